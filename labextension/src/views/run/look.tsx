/** A look into a file that a run kept: an image, a table, text, or why there is none. */

import * as React from 'react';
import { asProblem, type Problem } from '../../api/request';
import { readCsv } from '../../tables/read';
import { Code } from '../../components/code';
import { Failed, Loading, Nothing } from '../../components/state';
import { Table } from '../../components/table';
import type { IArtifactRow } from '../../models/run';
import { fullTime } from '../../wording/ago';
import { showSize } from '../../wording/size';
import type { IPartProps } from './index';

/** Bytes of an image, and of the beginning of a text, that are worth fetching for a look. */
const IMAGE = 20_000_000;
const TEXT = 200_000;
const ROWS = 200;

type Content =
  | { kind: 'image'; address: string }
  | { kind: 'table'; rows: string[][]; cut: boolean }
  | { kind: 'text'; text: string; language: string; cut: boolean }
  | { kind: 'none' };

export function Look(props: IPartProps & { file: IArtifactRow }): JSX.Element {
  const { file, model, context } = props;
  const { trans, languages } = context;
  const { runs } = model.api;
  const [content, setContent] = React.useState<Content | null>(null);
  const [problem, setProblem] = React.useState<Problem | null>(null);
  React.useEffect(() => {
    let here = true;
    let address = '';
    const look = async (): Promise<Content> => {
      const kind = kindOf(file);
      if (kind === 'none' || (kind === 'image' && file.size > IMAGE)) {
        return { kind: 'none' };
      }
      const blob = await runs.artifact(
        model.uid,
        file.id,
        kind === 'image' || file.size <= TEXT ? null : TEXT
      );
      if (kind === 'image') {
        address = URL.createObjectURL(blob);
        return { kind, address };
      }
      const text = await blob.text();
      const cut = file.size > TEXT;
      if (text.includes('\0')) {
        return { kind: 'none' };
      }
      return kind === 'table'
        ? {
            kind,
            cut,
            rows: readCsv(text, file.path.endsWith('.tsv') ? '\t' : ',', ROWS)
          }
        : { kind, text, cut, language: languageOf(file.path) };
    };
    look().then(
      found => here && setContent(found),
      error => here && setProblem(asProblem(error))
    );
    return () => {
      here = false;
      URL.revokeObjectURL(address);
    };
  }, [file.id, model, runs]);
  return (
    <div className="jp-labnb-look">
      <div className="jp-labnb-look-head">
        <strong dir="auto">{file.path}</strong>
        <span className="jp-labnb-quiet">
          {showSize(file.size)} · {fullTime(file.modified)}
        </span>
        <a
          className="jp-labnb-button jp-labnb-small"
          href={runs.artifactAddress(model.uid, file.id)}
          download={file.path.split('/').pop()}
        >
          {trans.__('Download')}
        </a>
      </div>
      {problem && <Failed problem={problem} trans={trans} />}
      {!problem && !content && <Loading trans={trans} />}
      {content?.kind === 'image' && (
        <img src={content.address} alt={file.path} />
      )}
      {content?.kind === 'table' && (
        <Table
          label={file.path}
          columns={content.rows[0] ?? []}
          rows={content.rows.slice(1)}
        />
      )}
      {content?.kind === 'text' && (
        <Code
          text={content.text}
          language={content.language}
          label={file.path}
          languages={languages}
        />
      )}
      {content?.kind === 'none' && (
        <Nothing>{trans.__('There is no preview of such a file.')}</Nothing>
      )}
      {content && 'cut' in content && content.cut && (
        <p className="jp-labnb-quiet">
          {trans.__('Only the beginning is shown.')}
        </p>
      )}
    </div>
  );
}

function kindOf(file: IArtifactRow): Content['kind'] {
  const type = file.type || '';
  if (/^image\/(png|jpeg|gif|webp|svg\+xml|bmp|avif)$/.test(type)) {
    return 'image';
  }
  if (/\.(csv|tsv)$/i.test(file.path)) {
    return 'table';
  }
  if (
    type.startsWith('text/') ||
    /json|xml|yaml|toml|javascript|x-sh/.test(type) ||
    /(^|\/)[^.]+$|\.(txt|md|log|ya?ml|toml|ini|cfg|py|r|jl|sh|ipynb|lock|MLmodel)$/i.test(
      file.path
    )
  ) {
    return 'text';
  }
  return 'none';
}

function languageOf(path: string): string {
  const end = /\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? '';
  const names: Record<string, string> = {
    py: 'python',
    md: 'markdown',
    yml: 'yaml',
    ipynb: 'json',
    sh: 'shell'
  };
  return names[end] ?? end;
}
