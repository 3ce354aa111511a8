/** Images that several runs kept under the same path, side by side. */

import * as React from 'react';
import { Nothing } from '../../components/state';
import type { IComparisonPartProps } from './index';

export function Pictures(props: IComparisonPartProps): JSX.Element {
  const { facts, context } = props;
  const { trans } = context;
  const { pictures } = facts;
  const [path, setPath] = React.useState('');
  const picture = pictures.find(one => one.path === path) ?? pictures[0];
  if (!picture) {
    return (
      <Nothing>
        {trans.__('No image was kept by more than one of these runs.')}
      </Nothing>
    );
  }
  return (
    <div className="jp-labnb-part">
      <div className="jp-labnb-controls">
        <label>
          {trans.__('Image')}{' '}
          <select
            className="jp-labnb-select"
            value={picture.path}
            onChange={event => setPath(event.currentTarget.value)}
          >
            {pictures.map(one => (
              <option key={one.path} value={one.path}>
                {one.path}
              </option>
            ))}
          </select>
        </label>
      </div>
      <div className="jp-labnb-pictures">
        {facts.runs.map((run, index) => (
          <figure key={run.uid}>
            <figcaption dir="auto">{run.name}</figcaption>
            <Picture
              {...props}
              uid={run.uid}
              artifact={picture.artifacts[index] ?? null}
              alt={`${picture.path}: ${run.name}`}
            />
          </figure>
        ))}
      </div>
    </div>
  );
}

/** Fetched, because a file of a run comes as a download. */
function Picture(
  props: IComparisonPartProps & {
    uid: string;
    artifact: string | null;
    alt: string;
  }
): JSX.Element {
  const { model, uid, artifact, alt, context } = props;
  const { trans } = context;
  const { runs } = model.api;
  const [address, setAddress] = React.useState('');
  const [failed, setFailed] = React.useState(false);
  React.useEffect(() => {
    let here = true;
    let made = '';
    if (artifact !== null) {
      runs.artifact(uid, artifact, null).then(
        blob => {
          if (here) {
            made = URL.createObjectURL(blob);
            setAddress(made);
          }
        },
        () => here && setFailed(true)
      );
    }
    return () => {
      here = false;
      URL.revokeObjectURL(made);
    };
  }, [uid, artifact, runs]);
  if (artifact === null || failed) {
    return (
      <Nothing>
        {failed ? trans.__('It cannot be fetched.') : trans.__('It has none.')}
      </Nothing>
    );
  }
  return address ? <img src={address} alt={alt} /> : <span>…</span>;
}
