/** A choice among the versions of a dataset. */

import * as React from 'react';
import { fullTime } from '../../wording/ago';
import { shortVersion } from '../../wording/version';
import type { IDatasetPartProps } from './index';

export function VersionChoice(
  props: IDatasetPartProps & {
    label: string;
    value: string;
    onChange(version: string): void;
  }
): JSX.Element {
  const versions = props.model.versions.value ?? [];
  const unique = versions.filter(
    (one, index) =>
      versions.findIndex(other => other.version === one.version) === index
  );
  return (
    <label>
      {props.label}{' '}
      <select
        className="jp-labnb-select"
        value={props.value}
        onChange={event => props.onChange(event.currentTarget.value)}
      >
        {!unique.some(one => one.version === props.value) && (
          <option value={props.value}>{shortVersion(props.value)}</option>
        )}
        {unique.map(version => (
          <option key={version.version} value={version.version}>
            {`${shortVersion(version.version)} · ${fullTime(version.time)}`}
          </option>
        ))}
      </select>
    </label>
  );
}
