import { LabIcon } from '@jupyterlab/ui-components';

/** A flask. */
export const labnbIcon = new LabIcon({
  name: 'labnb:flask',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M9 2v2h1v5.2L4.3 18.6A2.2 2.2 0 0 0 6.2 22h11.6a2.2 2.2 0 0 0 1.9-3.4L14 9.2V4h1V2zm3 2v5.8l2.5 4.2h-5L12 9.8z"/>
</svg>`
});
