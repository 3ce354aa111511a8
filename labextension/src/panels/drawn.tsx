/** The sections of the side bar; their code comes when the first is looked at, not at JupyterLab's start. */

import * as React from 'react';

/** Fetch the code of the sections: a frame sooner than drawing them does. */
export function fetchBodies(): Promise<typeof import('./bodies')> {
  return import('./bodies');
}

export const RunsBody = React.lazy(async () => ({
  default: (await fetchBodies()).RunsBody
}));

export const DatasetsBody = React.lazy(async () => ({
  default: (await fetchBodies()).DatasetsBody
}));

export const JobsBody = React.lazy(async () => ({
  default: (await fetchBodies()).JobsBody
}));

/**
 * Empty until its code is there: that takes a moment, and a sign would flicker.
 *
 * `onThere` draws it again: what changed after it was drawn, and before it could hear of changes, is seen then.
 */
export function Coming(props: {
  children: React.ReactNode;
  onThere(): void;
}): JSX.Element {
  return (
    <React.Suspense fallback={null}>
      {props.children}
      <There onThere={props.onThere} />
    </React.Suspense>
  );
}

function There(props: { onThere(): void }): null {
  const { onThere } = props;
  React.useEffect(() => onThere(), []);
  return null;
}
