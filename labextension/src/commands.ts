/** The names of labnb's commands. */

export namespace CommandIDs {
  export const open = 'labnb:open';
}
