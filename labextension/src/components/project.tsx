/** Which project the side bar shows, where there are several. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { IBackend } from '../tokens';

export class ProjectChoice extends ReactWidget {
  constructor(backend: IBackend, trans: TranslationBundle) {
    super();
    this._backend = backend;
    this._trans = trans;
    this.addClass('jp-labnb-project');
  }

  protected render(): JSX.Element {
    const { _backend: backend, _trans: trans } = this;
    return (
      <UseSignal signal={backend.projectsChanged}>
        {() => {
          const several = backend.projects.length > 1;
          this.setHidden(!several);
          return several ? (
            <select
              className="jp-labnb-select"
              aria-label={trans.__('Project')}
              value={backend.current.id}
              onChange={event => backend.choose(event.currentTarget.value)}
            >
              {backend.projects.map(project => (
                <option
                  key={project.id}
                  value={project.id}
                  title={project.path}
                >
                  {project.path === '.' ? project.name : project.path}
                </option>
              ))}
            </select>
          ) : null;
        }}
      </UseSignal>
    );
  }

  private readonly _backend: IBackend;
  private readonly _trans: TranslationBundle;
}
