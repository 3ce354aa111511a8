"""What `benchmarks.front` has the page do: each returns figures by the page's own clock."""

from __future__ import annotations

#: Resolves when JupyterLab stands.
READY = "window.jupyterapp.restored.then(() => { window.stood = performance.now(); })"

SCRIPT = r"""
performance.setResourceTimingBufferSize(100000);
const now = () => performance.now();
const frame = () => new Promise(requestAnimationFrame);
const run = (id, args) => window.jupyterapp.commands.execute(id, args);
const part = selector => document.querySelector(`#labnb-runs ${selector}`);
const first = () => part('[role=option]')?.dataset.id ?? '';
const shown = () => document.querySelector('.jp-MainAreaWidget:not(.lm-mod-hidden) .jp-labnb-view');
const asked = since => performance.getEntriesByType('resource')
  .filter(one => one.startTime >= since && one.name.includes('/labnb/api/'));

/** The time of the first frame in which something is so. */
async function until(check, most) {
  const begun = now();
  while (!check()) {
    if (now() - begun > most) {
      throw new Error(`waited in vain for ${check}`);
    }
    await frame();
  }
  await frame();
  return now();
}

function put(node, kind, value, event) {
  Object.getOwnPropertyDescriptor(kind.prototype, 'value').set.call(node, value);
  node.dispatchEvent(new Event(event, { bubbles: true }));
}

window.bench = {
  started() {
    const code = performance.getEntriesByType('resource')
      .filter(one => one.name.includes('/extensions/labnb/'));
    return [window.stood, code.reduce((sum, one) => sum + one.decodedBodySize, 0)];
  },

  async indexed(most, runs) {
    const { serverSettings } = window.jupyterapp.serviceManager;
    for (const begun = now(); now() - begun < most; ) {
      const answer = await fetch(`${serverSettings.baseUrl}labnb/api/health`,
        { headers: { Authorization: `token ${serverSettings.token}` } });
      const { freshness } = await answer.json();
      if (freshness.state === 'current' && freshness.runs >= runs) {
        return;
      }
      await new Promise(go => setTimeout(go, 200));
    }
    throw new Error('the index was never complete');
  },

  async opened(most) {
    const begun = now();
    void run('labnb:open', { section: 'labnb-runs' });
    const rows = () => document.querySelectorAll('#labnb-runs [role=option] .jp-labnb-row-name').length;
    return (await until(() => rows() >= 10, most)) - begun;
  },

  keys: (most, count) => until(() => part('[aria-label="Sort by"]').options.length > count, most),

  async sorted(most, key) {
    const before = first();
    const begun = now();
    put(part('[aria-label="Sort by"]'), HTMLSelectElement, key, 'change');
    return (await until(() => first() && first() !== before, most)) - begun;
  },

  async searched(most, text) {
    const box = part('.jp-labnb-search');
    const status = () => part('[role=status]:last-of-type')?.textContent + first();
    const before = status();
    put(box, HTMLInputElement, text, 'input');
    await frame();
    const begun = now();
    box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
    return (await until(() => status() !== before, most)) - begun;
  },

  async scrolled(most, rows) {
    const list = part('[role=listbox]');
    const steps = [];
    const begun = now();
    let last = begun;
    const reached = () => list.scrollTop / part('[role=option]').offsetHeight;
    while (reached() < rows && now() - begun < 8000) {
      list.scrollTop += 240;
      await frame();
      steps.push(now() - last);
      last = now();
    }
    const slow = [...steps].sort((a, b) => a - b)[Math.floor(steps.length * 0.99)];
    return [(1000 * steps.length) / (last - begun), slow, reached()];
  },

  async compared(most, uids) {
    const begun = now();
    await run('labnb:compare', { uids });
    await until(() => shown()?.querySelector('[aria-label=Comparison] tbody tr'), most);
    [...shown().querySelectorAll('[role=tab]')].find(tab => tab.textContent === 'Curves').click();
    const drawn = () => shown().querySelectorAll('.scatterlayer .trace').length;
    const ended = await until(() => drawn() >= uids.length, most);
    return [ended - begun, asked(begun).reduce((sum, one) => sum + one.transferSize, 0)];
  },

  async zoomed() {
    const caption = shown().querySelector('figcaption .jp-labnb-quiet');
    const before = caption.textContent;
    await new Promise(go => window.addEventListener('mouseup', go, { once: true, capture: true }));
    const begun = now();
    return (await until(() => caption.textContent !== before, 30000)) - begun;
  },

  async heard(most, seconds) {
    const { stream } = window.jupyterapp.serviceManager.events;
    const ids = [...document.querySelectorAll('#labnb-runs [role=option]')].map(row => row.dataset.id);
    const begun = now();
    const late = [];
    let told = 0;
    let due = begun + 20;
    while (now() - begun < 1000 * seconds) {
      for (; told < now() - begun; told++) {
        stream.emit({
          schema_id: `https://events.labnb.dev/${told % 2 ? 'job' : 'run'}`,
          project: '', changed: told % 2 ? [] : [ids[told % ids.length]], gone: [], all: false
        });
      }
      await new Promise(go => setTimeout(go, Math.max(0, due - now())));
      late.push(Math.max(0, now() - due));
      due = now() + 20;
    }
    late.sort((a, b) => a - b);
    return [late[Math.floor(late.length * 0.99)], late[late.length - 1], asked(begun).length];
  }
};
"""
