/** A list of any length: only the rows in sight are in the page, and a keyboard reaches all of them. */

import * as React from 'react';
import type { IRows, Selection } from '../models/selection';

export interface IVirtualListProps {
  /** Read aloud when the list is come to. */
  label: string;
  rows: IRows;
  /** Rows there are in all, for the ear; more than are loaded. */
  total: number;
  selection: Selection;
  /** Pixels; every row has the same. */
  rowHeight: number;
  /** Goes into the class of each row, by which the context menu knows it. */
  kind: string;
  row(index: number): JSX.Element;
  onRange(first: number, last: number): void;
  onOpen(index: number): void;
  onDelete?(): void;
}

/** Rows drawn beyond the edge, so that a quick wheel meets no gap. */
const BEYOND = 8;

let lists = 0;

export function VirtualList(props: IVirtualListProps): JSX.Element {
  const { rows, selection, rowHeight, onRange } = props;
  const [name] = React.useState(() => `labnb-list-${lists++}`);
  const box = React.useRef<HTMLDivElement>(null);
  const [view, setView] = React.useState({ top: 0, height: 0 });
  const read = React.useCallback(() => {
    const node = box.current;
    if (node) {
      const seen = { top: node.scrollTop, height: node.clientHeight };
      setView(was =>
        was.top === seen.top && was.height === seen.height ? was : seen
      );
    }
  }, []);
  React.useLayoutEffect(() => {
    read();
    const observer = new ResizeObserver(read);
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, [read]);

  const count = rows.count;
  const first = Math.max(0, Math.floor(view.top / rowHeight));
  const last = Math.min(
    count - 1,
    Math.ceil((view.top + view.height) / rowHeight)
  );
  React.useEffect(() => {
    if (count > 0 && view.height > 0) {
      onRange(first, last);
    }
  }, [first, last, count, view.height, onRange]);

  const reveal = (index: number): void => {
    const node = box.current!;
    const top = index * rowHeight;
    if (top < node.scrollTop) {
      node.scrollTop = top;
    } else if (top + rowHeight > node.scrollTop + node.clientHeight) {
      node.scrollTop = top + rowHeight - node.clientHeight;
    }
  };
  const go = (to: number, event: React.KeyboardEvent): void => {
    const index = Math.max(0, Math.min(count - 1, to));
    if (event.ctrlKey || event.metaKey) {
      selection.move(index);
    } else {
      selection.pick(index, event.shiftKey ? 'extend' : 'only');
    }
    reveal(index);
  };
  const menu = (): void => {
    const row = document.getElementById(`${name}-${selection.active}`);
    const place = row?.getBoundingClientRect();
    row?.dispatchEvent(
      new MouseEvent('contextmenu', {
        bubbles: true,
        cancelable: true,
        clientX: (place?.left ?? 0) + 24,
        clientY: (place?.top ?? 0) + rowHeight / 2
      })
    );
  };
  const onKey = (event: React.KeyboardEvent): void => {
    const active = selection.active;
    const screen = Math.max(1, Math.floor(view.height / rowHeight) - 1);
    const steps: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + screen,
      PageUp: active - screen,
      Home: 0,
      End: count - 1
    };
    const to = steps[event.key];
    const control = event.ctrlKey || event.metaKey;
    if (count === 0) {
      return;
    } else if (to !== undefined) {
      go(to, event);
    } else if (event.key === 'Enter' && active >= 0) {
      props.onOpen(active);
    } else if (event.key === ' ' && active >= 0) {
      selection.pick(active, event.shiftKey ? 'extend' : 'toggle');
    } else if (event.key.toLowerCase() === 'a' && control) {
      selection.all();
    } else if (event.key === 'Escape') {
      selection.clear();
    } else if (event.key === 'Delete' && props.onDelete) {
      props.onDelete();
    } else if (
      active >= 0 &&
      (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey))
    ) {
      menu();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const drawn: JSX.Element[] = [];
  const to = Math.min(count - 1, last + BEYOND);
  for (let index = Math.max(0, first - BEYOND); index <= to; index++) {
    const item = rows.at(index);
    const chosen = item !== undefined && selection.has(item.id);
    const active = index === selection.active;
    drawn.push(
      <div
        key={index}
        id={`${name}-${index}`}
        role="option"
        aria-selected={chosen}
        aria-setsize={props.total}
        aria-posinset={index + 1}
        aria-busy={item === undefined}
        data-id={item?.id}
        className={
          `jp-labnb-row jp-labnb-${props.kind}` +
          (chosen ? ' jp-mod-selected' : '') +
          (active ? ' jp-labnb-active' : '')
        }
        style={{
          height: rowHeight,
          transform: `translateY(${index * rowHeight}px)`
        }}
        onClick={event =>
          selection.pick(
            index,
            event.shiftKey
              ? 'extend'
              : event.ctrlKey || event.metaKey
                ? 'toggle'
                : 'only'
          )
        }
        onDoubleClick={() => props.onOpen(index)}
        onContextMenu={() => {
          if (!chosen) {
            selection.pick(index);
          }
        }}
      >
        {item === undefined ? null : props.row(index)}
      </div>
    );
  }
  return (
    <div
      ref={box}
      className="jp-labnb-list"
      role="listbox"
      aria-label={props.label}
      aria-multiselectable="true"
      aria-activedescendant={
        selection.active >= 0 ? `${name}-${selection.active}` : undefined
      }
      tabIndex={0}
      onScroll={read}
      onKeyDown={onKey}
      onFocus={() => {
        if (selection.active < 0 && count > 0) {
          selection.move(0);
        }
      }}
    >
      <div style={{ height: count * rowHeight, position: 'relative' }}>
        {drawn}
      </div>
    </div>
  );
}
