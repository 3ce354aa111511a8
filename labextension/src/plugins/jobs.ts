import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { asProblem } from '../api/request';
import { CommandIDs } from '../commands';
import { JobsBadge } from '../components/badge';
import { tellEnds } from '../components/told_ends';
// Wanted at once: jobs end while nothing of labnb is open.

import { JobEnds } from '../models/job_ends';
// Wanted at once: the side bar may be the first thing that is looked at.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { JobsModel } from '../models/jobs';
import { JobsPanel } from '../panels/jobs';
import { IBackend, IJobs, IRuns, ISidebar } from '../tokens';

const PLUGIN_ID = 'labnb:jobs';

/** The section "Jobs" of the side bar, and how many run in the status bar. */
export const jobsPlugin: JupyterFrontEndPlugin<IJobs> = {
  id: PLUGIN_ID,
  description: 'The jobs in the labnb side bar and in the status bar.',
  autoStart: true,
  provides: IJobs,
  // Runs come first, also for the keyboard and the ear, which go by the order of making.
  requires: [ISidebar, IBackend, IRuns],
  optional: [ITranslator, ICommandPalette, IStatusBar, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    sidebar: ISidebar,
    backend: IBackend,
    runs: IRuns,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    statusBar: IStatusBar | null,
    registry: ISettingRegistry | null
  ) => {
    const trans = (translator ?? nullTranslator).load('labnb');
    const { commands } = app;
    const model = new JobsModel(() => backend.current, backend.feed);
    const open = (job: string): void => {
      void commands.execute(CommandIDs.openJob, {
        job,
        project: backend.current.id
      });
    };
    sidebar.add(new JobsPanel(model, open, trans), 30);
    const ends = new JobEnds(() => backend.current, backend.feed);
    backend.projectChanged.connect(() => {
      model.reset();
      ends.reset();
    });
    let told = true;
    ends.ended.connect((_, jobs) => {
      if (told) {
        const all = (): void => {
          void commands.execute(CommandIDs.open, { section: 'labnb-jobs' });
        };
        tellEnds(jobs, job => open(job.id), all, trans);
      }
    });
    void registry?.load(PLUGIN_ID).then(settings => {
      const read = (): void => {
        told = settings.get('notify').composite as boolean;
      };
      settings.changed.connect(read);
      read();
    });

    const chosen = (args: { job?: unknown }): string[] =>
      typeof args.job === 'string' ? [args.job] : [...model.selection.ids];
    const add = (
      id: string,
      label: string,
      execute: (ids: string[], project: string) => Promise<unknown>
    ): void => {
      commands.addCommand(id, {
        label,
        describedBy: {
          args: {
            type: 'object',
            properties: { job: { type: 'string' }, project: { type: 'string' } }
          }
        },
        isEnabled: args => chosen(args).length > 0,
        execute: async args => {
          try {
            const project = args.project ?? backend.current.id;
            await execute(chosen(args), String(project));
          } catch (error) {
            const problem = asProblem(error);
            Notification.error(`${problem.message} ${problem.hint}`.trim());
          }
        }
      });
      palette?.addItem({ command: id, category: trans.__('labnb') });
      app.contextMenu.addItem({ command: id, selector: '.jp-labnb-job' });
    };
    add(CommandIDs.openJob, trans.__('Open job'), async (ids, project) => {
      for (const job of ids) {
        await commands.execute(CommandIDs.showJob, { job, project });
      }
    });
    add(CommandIDs.cancelJob, trans.__('Cancel job'), async (ids, project) => {
      await Promise.all(ids.map(id => backend.of(project).jobs.cancel(id)));
      await model.refresh();
    });
    add(CommandIDs.retryJob, trans.__('Retry job'), async (ids, project) => {
      await Promise.all(ids.map(id => backend.of(project).jobs.retry(id)));
      await model.refresh();
    });

    if (statusBar) {
      const badge = new JobsBadge(model, trans, () => {
        void commands.execute(CommandIDs.open, { section: 'labnb-jobs' });
      });
      let wanted = true;
      statusBar.registerStatusItem(PLUGIN_ID, {
        item: badge,
        align: 'left',
        rank: 90,
        isActive: () => wanted && model.running > 0,
        activeStateChanged: badge.activeChanged
      });
      void registry?.load(PLUGIN_ID).then(settings => {
        const read = (): void => {
          wanted = settings.get('statusBar').composite as boolean;
          badge.refresh();
        };
        settings.changed.connect(read);
        read();
      });
    }
    // One small question once Lab stands, so that the number is there before anything is opened.
    void app.restored.then(async () => {
      await model.count();
      if (model.running > 0) {
        // Their ends are wanted, whether or not the side bar is ever opened.
        backend.feed.start();
        await ends.look();
      }
    });
    return model;
  }
};
