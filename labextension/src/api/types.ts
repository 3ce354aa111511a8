/** The words of REST by the names that the front end uses; `wire` is generated from the server's own document. */

import type { IRow, IRunItem } from './wire';

export type {
  IAccepted,
  IArtifact,
  IArtifacts,
  ICellState,
  IChange,
  ICode,
  IColumn,
  IComparison,
  ICurve,
  ICurves,
  IDatasetDiff,
  IDatasetItem,
  IDatasetPage,
  IEnvironmentDetail,
  IFileUse,
  IFreshness,
  IHealth,
  IJobItem,
  IJobPage,
  ILineageGraph,
  ILineageNode,
  ILog,
  INote,
  IPreview,
  IProject,
  IRunChange,
  IRunDetail,
  IRunItem,
  IRunPage,
  ITargetItem,
  IVersionItem,
  IVersionPage,
  JobState,
  RunStatus
} from './wire';

export type IComparisonRow = IRow;
export type Axis = 'step' | 'time' | 'relative';
export type Value = IRunItem['params'][string];
export type Num = IRunItem['metrics'][string];
