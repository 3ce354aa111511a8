/** What cannot be drawn says so in its own place; everything around it stays. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

interface IProps {
  trans: TranslationBundle;
  children: React.ReactNode;
}

export class Boundary extends React.Component<IProps, { problem: string }> {
  override state = { problem: '' };

  static getDerivedStateFromError(error: unknown): { problem: string } {
    return { problem: error instanceof Error ? error.message : String(error) };
  }

  override render(): React.ReactNode {
    if (!this.state.problem) {
      return this.props.children;
    }
    const { trans } = this.props;
    return (
      <div className="jp-labnb-failed" role="alert">
        <div>{trans.__('This cannot be shown.')}</div>
        <div className="jp-labnb-quiet">{this.state.problem}</div>
        <button
          type="button"
          className="jp-labnb-button"
          onClick={() => this.setState({ problem: '' })}
        >
          {trans.__('Try again')}
        </button>
      </div>
    );
  }
}
