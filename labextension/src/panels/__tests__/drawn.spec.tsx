import * as React from 'react';
import { Coming } from '../drawn';

interface IRoot {
  render(element: JSX.Element): void;
  unmount(): void;
}

const { createRoot } = jest.requireActual<{
  createRoot(place: Element): IRoot;
}>('react-dom/client');

describe('Coming', () => {
  it('shows what changed before the drawn could hear of it', async () => {
    let value = 'asked for';
    const Body = (): JSX.Element => {
      const drawn = value;
      value = 'there'; // an answer that comes between the drawing and its showing
      return <p>{drawn}</p>;
    };
    const place = document.createElement('div');
    const root = createRoot(place);
    const draw = (): void =>
      root.render(
        <Coming onThere={draw}>
          <Body />
        </Coming>
      );
    const shown = new Promise<void>(resolve => {
      new MutationObserver(() => {
        if (place.textContent === 'there') {
          resolve();
        }
      }).observe(place, {
        childList: true,
        characterData: true,
        subtree: true
      });
    });
    draw();
    await shown;
    root.unmount();
  });
});
