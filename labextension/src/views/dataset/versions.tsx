/** The versions of a dataset, and the runs that made or used each. */

import * as React from 'react';
import type { IVersionItem } from '../../api/types';
import { CommandIDs } from '../../commands';
import { Shown } from '../../components/shown';
import { Nothing } from '../../components/state';
import { fullTime } from '../../wording/ago';
import { showSize } from '../../wording/size';
import { shortVersion } from '../../wording/version';
import type { IDatasetPartProps } from './index';

const RUNS = 5;

export function Versions(
  props: IDatasetPartProps & { onTab(id: string): void }
): JSX.Element {
  const { model, context, onTab } = props;
  const { trans } = context;
  return (
    <Shown
      asked={model.versions}
      trans={trans}
      draw={versions =>
        versions.length === 0 ? (
          <Nothing>{trans.__('No version was recorded yet.')}</Nothing>
        ) : (
          <ol className="jp-labnb-versions" aria-label={trans.__('Versions')}>
            {versions.map((version, index) => (
              <li key={`${version.version} ${index}`}>
                <div className="jp-labnb-head-line">
                  <code title={version.version}>
                    {shortVersion(version.version)}
                  </code>
                  {version.current && (
                    <span className="jp-labnb-tag">{trans.__('current')}</span>
                  )}
                  {version.tags.map(tag => (
                    <span key={tag} className="jp-labnb-tag">
                      {tag}
                    </span>
                  ))}
                  <span className="jp-labnb-quiet">
                    {about(version, trans.__('%1 files', version.files ?? ''))}
                  </span>
                </div>
                {version.message && <div dir="auto">{version.message}</div>}
                <Runs
                  {...props}
                  title={trans.__('made by')}
                  uids={version.made_by}
                />
                <Runs
                  {...props}
                  title={trans.__('used by')}
                  uids={version.used_by}
                />
                <div className="jp-labnb-deeds">
                  <button
                    type="button"
                    className="jp-labnb-button jp-labnb-small"
                    onClick={() => {
                      model.version = version.version;
                      onTab('preview');
                    }}
                  >
                    {trans.__('Preview')}
                  </button>
                  {versions[index + 1] && (
                    <button
                      type="button"
                      className="jp-labnb-button jp-labnb-small"
                      onClick={() => {
                        model.compare(
                          versions[index + 1]!.version,
                          version.version
                        );
                        onTab('diff');
                      }}
                    >
                      {trans.__('What changed')}
                    </button>
                  )}
                  <button
                    type="button"
                    className="jp-labnb-button jp-labnb-small"
                    onClick={() => {
                      model.version = version.version;
                      onTab('lineage');
                    }}
                  >
                    {trans.__('Lineage')}
                  </button>
                </div>
              </li>
            ))}
          </ol>
        )
      }
    />
  );
}

function about(version: IVersionItem, files: string): string {
  return [
    fullTime(version.time),
    version.author,
    showSize(version.size),
    (version.files ?? 0) > 1 ? files : ''
  ]
    .filter(Boolean)
    .join(' · ');
}

function Runs(
  props: IDatasetPartProps & { title: string; uids: readonly string[] }
): JSX.Element | null {
  const { title, uids, context, model } = props;
  const { trans, commands } = context;
  const [all, setAll] = React.useState(false);
  if (uids.length === 0) {
    return null;
  }
  return (
    <div className="jp-labnb-quiet">
      {title}{' '}
      {(all ? uids : uids.slice(0, RUNS)).map(uid => (
        <button
          key={uid}
          type="button"
          className="jp-labnb-link"
          onClick={() =>
            void commands.execute(CommandIDs.openRun, {
              uid,
              project: model.api.id
            })
          }
        >
          <code>{uid.slice(0, 8)}</code>
        </button>
      ))}
      {!all && uids.length > RUNS && (
        <button
          type="button"
          className="jp-labnb-link"
          onClick={() => setAll(true)}
        >
          {trans.__('and %1 more', uids.length - RUNS)}
        </button>
      )}
    </div>
  );
}
