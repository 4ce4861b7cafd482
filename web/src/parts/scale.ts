/** How much larger than on a laptop the page's text is: what is drawn on a canvas grows with it. */
export function uiScale(): number {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) / 13;
}
