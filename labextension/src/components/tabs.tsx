/** Tabs: arrows move between them, and only the one in front is drawn. */

import * as React from 'react';

export interface ITab {
  id: string;
  label: string;
  /** A count beside the label. */
  count?: number;
  draw(): React.ReactNode;
}

export interface ITabsProps {
  label: string;
  tabs: readonly ITab[];
  chosen: string;
  onChoose(id: string): void;
}

let sets = 0;

export function Tabs(props: ITabsProps): JSX.Element {
  const [name] = React.useState(() => `labnb-tabs-${sets++}`);
  const { tabs, onChoose } = props;
  const chosen = tabs.find(tab => tab.id === props.chosen) ?? tabs[0]!;
  const bar = React.useRef<HTMLDivElement>(null);
  const onKey = (event: React.KeyboardEvent): void => {
    const at = tabs.indexOf(chosen);
    const to: Record<string, number> = {
      ArrowRight: (at + 1) % tabs.length,
      ArrowLeft: (at - 1 + tabs.length) % tabs.length,
      Home: 0,
      End: tabs.length - 1
    };
    const next = tabs[to[event.key] ?? -1];
    if (next) {
      event.preventDefault();
      onChoose(next.id);
      const buttons = bar.current!.querySelectorAll<HTMLElement>('[role=tab]');
      buttons[tabs.indexOf(next)]?.focus();
    }
  };
  return (
    <div className="jp-labnb-tabs">
      <div
        ref={bar}
        className="jp-labnb-tabbar"
        role="tablist"
        aria-label={props.label}
        onKeyDown={onKey}
      >
        {tabs.map(tab => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`${name}-${tab.id}`}
            aria-selected={tab === chosen}
            aria-controls={`${name}-panel`}
            tabIndex={tab === chosen ? 0 : -1}
            onClick={() => onChoose(tab.id)}
          >
            {tab.label}
            {tab.count !== undefined && tab.count > 0 && (
              <span className="jp-labnb-count">
                {tab.count.toLocaleString()}
              </span>
            )}
          </button>
        ))}
      </div>
      <div
        key={chosen.id}
        className="jp-labnb-tabpanel"
        role="tabpanel"
        id={`${name}-panel`}
        aria-labelledby={`${name}-${chosen.id}`}
        tabIndex={0}
      >
        {chosen.draw()}
      </div>
    </div>
  );
}
