/** Comparisons, as REST has them. */

import { body, request, type IPlace } from './request';
import type { Axis, IComparison, ICurves } from './types';

export interface ICurvesQuery {
  uids: readonly string[];
  names: readonly string[];
  x: Axis;
  /** At most so many for each curve. */
  points: number;
  span: readonly [number, number] | null;
}

export class ComparisonsApi {
  constructor(place: IPlace) {
    this._place = place;
  }

  compare(uids: readonly string[]): Promise<IComparison> {
    return request('comparisons', this._place, body('POST', { uids }));
  }

  curves(query: ICurvesQuery, signal?: AbortSignal): Promise<ICurves> {
    const { uids, names, x, points, span } = query;
    return request(
      'comparisons/curves',
      this._place,
      { signal },
      { uids, names, x, points, start: span?.[0], end: span?.[1] }
    );
  }

  private readonly _place: IPlace;
}
