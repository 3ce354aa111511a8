/** The files that a run read and wrote, with their versions. */

import * as React from 'react';
import type { IFileUse } from '../../api/types';
import { Nothing } from '../../components/state';
import { Table } from '../../components/table';
import { showSize } from '../../wording/size';
import { shortVersion } from '../../wording/version';
import { CommandIDs } from '../../commands';
import type { IPartProps } from './index';

export function Files(props: IPartProps): JSX.Element {
  const { run, context } = props;
  const { trans } = context;
  if (run.inputs.length + run.outputs.length === 0) {
    return <Nothing>{trans.__('The cell read and wrote no files.')}</Nothing>;
  }
  return (
    <div className="jp-labnb-part">
      <List {...props} title={trans.__('Read')} files={run.inputs} />
      <List {...props} title={trans.__('Written')} files={run.outputs} />
    </div>
  );
}

function List(
  props: IPartProps & { title: string; files: readonly IFileUse[] }
): JSX.Element | null {
  const { title, files, context, model } = props;
  const { trans, commands } = context;
  if (files.length === 0) {
    return null;
  }
  return (
    <section>
      <h2>{title}</h2>
      <Table
        label={title}
        columns={[
          trans.__('file'),
          trans.__('size'),
          trans.__('dataset'),
          trans.__('version')
        ]}
        rows={files.map(file => [
          <span title={file.path}>{file.path}</span>,
          showSize(file.size),
          file.dataset ? (
            <button
              type="button"
              className="jp-labnb-link"
              onClick={() =>
                void commands.execute(CommandIDs.openDataset, {
                  dataset: file.dataset,
                  project: model.api.id
                })
              }
            >
              {file.dataset}
            </button>
          ) : (
            ''
          ),
          <code title={file.version ?? file.digest ?? ''}>
            {file.dataset && !file.version
              ? trans.__('no known version')
              : shortVersion(file.version ?? file.digest)}
          </code>
        ])}
      />
    </section>
  );
}
