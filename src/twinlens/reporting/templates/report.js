/* Draws the figures one by one, so that the text is there at once, and all of them before anything is printed. */
"use strict";
(() => {
  const PRINTED = { half: 332, wide: 684 }; // px: what fits beside the margins of A4 and Letter
  const waiting = [...document.querySelectorAll("[data-plot]")];
  const drawn = [];
  const onScreen = new Map(); // what a figure looked like before it was printed

  function draw(plot) {
    const figure = JSON.parse(plot.nextElementSibling.textContent);
    plot.replaceChildren();
    drawn.push(plot);
    return Plotly.newPlot(plot, figure.data, figure.layout, { displayModeBar: false, responsive: true });
  }

  function next() {
    if (!waiting.length) {
      document.documentElement.dataset.figures = "drawn";
      return;
    }
    draw(waiting.shift()).then(() => setTimeout(next, 0));
  }

  function widthInPrint(plot) {
    return plot.closest(".wide") ? PRINTED.wide : PRINTED.half;
  }

  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details:not([open])").forEach((part) => {
      part.open = true;
      part.dataset.folded = "";
    });
    while (waiting.length) draw(waiting.shift());
    drawn.forEach((plot) => {
      const { font, legend, margin } = plot.layout;
      onScreen.set(plot, { font, legend, margin, width: null, autosize: true });
      Plotly.relayout(plot, {
        font: { ...font, size: 9.5 },
        legend: { ...legend, font: { size: 9 } },
        margin: { ...margin, l: 46, r: 8 },
        width: widthInPrint(plot),
      });
    });
  });

  window.addEventListener("afterprint", () => {
    document.querySelectorAll("details[data-folded]").forEach((part) => {
      part.open = false;
      delete part.dataset.folded;
    });
    onScreen.forEach((layout, plot) => Plotly.relayout(plot, layout));
  });

  // A figure inside a folded part has no width until it is opened.
  document.querySelectorAll("details").forEach((part) =>
    part.addEventListener("toggle", () => part.querySelectorAll(".js-plotly-plot").forEach((plot) => Plotly.Plots.resize(plot))),
  );

  requestAnimationFrame(() => setTimeout(next, 0));
})();
