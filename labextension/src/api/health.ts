import type { ServerConnection } from '@jupyterlab/services';
import { request } from './request';

export interface IHealth {
  schema: number;
  version: string;
}

export function getHealth(
  settings: ServerConnection.ISettings
): Promise<IHealth> {
  return request<IHealth>('health', settings);
}
