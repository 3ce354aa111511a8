/** A look into a version of a dataset. */

import * as React from 'react';
import type { IPreview } from '../../api/types';
import { Shown } from '../../components/shown';
import { Nothing } from '../../components/state';
import { Table } from '../../components/table';
import { VersionChoice } from './choice';
import type { IDatasetPartProps } from './index';

export function PreviewPart(props: IDatasetPartProps): JSX.Element {
  const { model, context } = props;
  const { trans } = context;
  if (!model.version) {
    return <Nothing>{trans.__('No version was recorded yet.')}</Nothing>;
  }
  return (
    <div className="jp-labnb-part">
      <div className="jp-labnb-controls">
        <VersionChoice
          {...props}
          label={trans.__('Version')}
          value={model.version}
          onChange={version => (model.version = version)}
        />
        {model.path && (
          <button
            type="button"
            className="jp-labnb-button jp-labnb-small"
            onClick={() => (model.path = '')}
          >
            {trans.__('All files')}
          </button>
        )}
      </div>
      <Shown
        asked={model.preview}
        trans={trans}
        draw={preview => <Drawn {...props} preview={preview} />}
      />
    </div>
  );
}

function Drawn(props: IDatasetPartProps & { preview: IPreview }): JSX.Element {
  const { preview, context, model } = props;
  const { trans } = context;
  const note = preview.message && (
    <p className="jp-labnb-quiet">{preview.message}</p>
  );
  switch (preview.kind) {
    case 'table':
      return (
        <>
          {preview.total !== null && (
            <p className="jp-labnb-quiet">
              {trans.__(
                'The first %1 of %2 rows',
                preview.rows.length,
                preview.total.toLocaleString()
              )}
            </p>
          )}
          {note}
          <Table
            label={preview.path || props.dataset.name}
            columns={preview.columns}
            rows={preview.rows}
          />
        </>
      );
    case 'text':
      return (
        <>
          {note}
          <pre className="jp-labnb-code" tabIndex={0}>
            {preview.text}
          </pre>
        </>
      );
    case 'files':
      return (
        <>
          {note}
          <ul className="jp-labnb-files" aria-label={trans.__('Files')}>
            {preview.files.map(file => (
              <li key={file}>
                <button
                  type="button"
                  className="jp-labnb-link"
                  onClick={() => (model.path = file)}
                >
                  {file}
                </button>
              </li>
            ))}
          </ul>
          {preview.total !== null && preview.total > preview.files.length && (
            <p className="jp-labnb-quiet">
              {trans.__(
                'The first %1 of %2 files',
                preview.files.length,
                preview.total.toLocaleString()
              )}
            </p>
          )}
        </>
      );
    default:
      return (
        <Nothing>
          {preview.message || trans.__('There is no preview of such data.')}
        </Nothing>
      );
  }
}
