import { request, type IPlace } from './request';
import type { IHealth, IProject } from './types';

export type { IHealth };

export function getHealth(place: IPlace): Promise<IHealth> {
  return request<IHealth>('health', place);
}

/** The projects of the server's folder; that of the notebook is the current one. */
export async function getProjects(
  place: IPlace,
  notebook: string
): Promise<IProject[]> {
  const found = await request<{ items: IProject[] }>(
    'projects',
    { ...place, project: '' },
    {},
    { notebook }
  );
  return found.items;
}
