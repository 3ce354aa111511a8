/** Names and values in two columns, and tables of text. */

import * as React from 'react';

export type Fact = readonly [name: string, value: React.ReactNode];

/** Facts one below the other; those without a value are left out. */
export function Facts(props: {
  facts: readonly Fact[];
  label?: string;
}): JSX.Element {
  return (
    <dl className="jp-labnb-facts" aria-label={props.label}>
      {props.facts
        .filter(([, value]) => value !== '' && value !== null)
        .map(([name, value]) => (
          <React.Fragment key={name}>
            <dt dir="auto">{name}</dt>
            <dd dir="auto">{value}</dd>
          </React.Fragment>
        ))}
    </dl>
  );
}

export interface ITableProps {
  label: string;
  columns: readonly string[];
  rows: readonly (readonly React.ReactNode[])[];
  /** The class of a row by its place. */
  rowClass?(index: number): string;
}

export function Table(props: ITableProps): JSX.Element {
  return (
    <div className="jp-labnb-table-box" tabIndex={0}>
      <table className="jp-labnb-table" aria-label={props.label}>
        <thead>
          <tr>
            {props.columns.map((column, index) => (
              <th key={index} scope="col" dir="auto">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row, index) => (
            <tr key={index} className={props.rowClass?.(index)}>
              {row.map((cell, place) => (
                <td key={place} dir="auto">
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
