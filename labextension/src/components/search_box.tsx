/** A search box that asks when the typing rests, with words it may be completed by. */

import * as React from 'react';

export interface ISearchBoxProps {
  value: string;
  label: string;
  placeholder: string;
  suggestions?: readonly string[];
  onChange(text: string): void;
}

/** Milliseconds without a key: long enough for a word, short enough not to be waited for. */
const REST = 180;
const SUGGESTED = 60;

let boxes = 0;

export function SearchBox(props: ISearchBoxProps): JSX.Element {
  const [text, setText] = React.useState(props.value);
  const [name] = React.useState(() => `labnb-words-${boxes++}`);
  const timer = React.useRef(0);
  const told = React.useRef(props.value);
  // A value that was set elsewhere ("clear") comes in; what is being typed is not overwritten by its own echo.
  if (props.value !== told.current) {
    told.current = props.value;
    setText(props.value);
  }
  const tell = (to: string): void => {
    window.clearTimeout(timer.current);
    told.current = to;
    props.onChange(to);
  };
  React.useEffect(() => () => window.clearTimeout(timer.current), []);
  return (
    <>
      <input
        type="search"
        className="jp-labnb-search"
        aria-label={props.label}
        placeholder={props.placeholder}
        value={text}
        list={props.suggestions?.length ? name : undefined}
        spellCheck={false}
        autoComplete="off"
        dir="auto"
        onChange={event => {
          const to = event.currentTarget.value;
          setText(to);
          window.clearTimeout(timer.current);
          timer.current = window.setTimeout(() => tell(to), REST);
        }}
        onKeyDown={event => {
          if (event.key === 'Enter') {
            tell(text);
          }
        }}
      />
      {props.suggestions && (
        <datalist id={name}>
          {props.suggestions.slice(0, SUGGESTED).map(word => (
            <option key={word} value={word} />
          ))}
        </datalist>
      )}
    </>
  );
}
