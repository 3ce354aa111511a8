/** What a run is held against: nothing, the last commit, or another run by its id. */

import * as React from 'react';
import type { IPartProps } from './index';

export function Against(
  props: IPartProps & {
    value: string;
    /** Whether the last commit is one of the choices. */
    commit: boolean;
    onChange(value: string): void;
  }
): JSX.Element {
  const { context, value, onChange } = props;
  const { trans } = context;
  const other = value !== '' && value !== 'HEAD';
  const [asked, setAsked] = React.useState(other);
  const [text, setText] = React.useState(other ? value : '');
  return (
    <div className="jp-labnb-controls">
      <label>
        {trans.__('Difference to')}{' '}
        <select
          className="jp-labnb-select"
          value={asked ? 'run' : value}
          onChange={event => {
            const to = event.currentTarget.value;
            setAsked(to === 'run');
            if (to !== 'run') {
              onChange(to);
            }
          }}
        >
          <option value="">{trans.__('nothing')}</option>
          {props.commit && (
            <option value="HEAD">{trans.__('the last commit')}</option>
          )}
          <option value="run">{trans.__('another run')}</option>
        </select>
      </label>
      {asked && (
        <form
          onSubmit={event => {
            event.preventDefault();
            onChange(text.trim());
          }}
        >
          <input
            className="jp-labnb-search jp-labnb-id"
            aria-label={trans.__('Id of the other run')}
            placeholder={trans.__('id of a run')}
            value={text}
            onChange={event => setText(event.currentTarget.value)}
          />
          <button type="submit" className="jp-labnb-button jp-labnb-small">
            {trans.__('Show')}
          </button>
        </form>
      )}
    </div>
  );
}
