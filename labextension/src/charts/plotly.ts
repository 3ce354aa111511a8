/** Plotly with the traces that labnb draws, and nothing else; loaded at the first chart. */

import Plotly from 'plotly.js/lib/core';
import bar from 'plotly.js/lib/bar';
import parcoords from 'plotly.js/lib/parcoords';
import type { IPlotly } from './figure';

Plotly.register([bar, parcoords]);

/** Only the part in `IPlotly` is used; its own types are of a size that slows every compile. */
const narrow = Plotly as unknown as IPlotly;

export { narrow as Plotly };
