/** Code with JupyterLab's own colours. */

import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import * as React from 'react';

export interface ICodeProps {
  text: string;
  /** A name that CodeMirror knows: python, json, markdown. */
  language: string;
  label: string;
  languages: IEditorLanguageRegistry | null;
}

/** Characters beyond which colours are not worth the wait. */
const COLOURED = 300_000;

export function Code(props: ICodeProps): JSX.Element {
  const { text, language, languages } = props;
  const place = React.useRef<HTMLPreElement>(null);
  React.useEffect(() => {
    const node = place.current!;
    node.textContent = text;
    let here = true;
    if (languages && text.length < COLOURED) {
      const found = languages.findBest(language);
      const coloured = document.createElement('pre');
      languages
        .highlight(text, found, coloured)
        .then(() => here && node.replaceChildren(...coloured.childNodes))
        .catch(() => {
          // Without colours it reads as well.
        });
    }
    return () => {
      here = false;
    };
  }, [text, language, languages]);
  return (
    <pre
      ref={place}
      className="jp-labnb-code"
      aria-label={props.label}
      role="group"
      tabIndex={0}
    />
  );
}
