(function () {
  "use strict";
  var style = function () { return getComputedStyle(document.documentElement); };
  var resolve = function (value, css) {
    if (typeof value === "string") {
      var match = /^var\((--[a-z0-9-]+)\)$/.exec(value);
      return match ? css.getPropertyValue(match[1]).trim() : value;
    }
    if (Array.isArray(value)) { return value.map(function (v) { return resolve(v, css); }); }
    if (value && typeof value === "object") {
      var copy = {};
      Object.keys(value).forEach(function (key) { copy[key] = resolve(value[key], css); });
      return copy;
    }
    return value;
  };
  var axis = function (own, ink, grid) {
    return Object.assign({ gridcolor: grid, zerolinecolor: grid, linecolor: grid, tickcolor: grid, tickfont: { color: ink } }, own);
  };
  var draw = function () {
    var css = style();
    var ink = css.getPropertyValue("--soft").trim(), grid = css.getPropertyValue("--grid").trim();
    var card = css.getPropertyValue("--card").trim();
    document.querySelectorAll("script[data-chart]").forEach(function (node) {
      var figure = resolve(JSON.parse(node.textContent), css);
      var layout = Object.assign({}, figure.layout, {
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        font: { family: "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif", size: 12.5, color: ink },
        hoverlabel: { bgcolor: card, bordercolor: grid, font: { color: css.getPropertyValue("--ink").trim() } },
        xaxis: axis(figure.layout.xaxis, ink, grid), yaxis: axis(figure.layout.yaxis, ink, grid)
      });
      Plotly.react(document.getElementById(node.dataset.chart), figure.data, layout,
        { responsive: true, displayModeBar: false });
    });
  };
  draw();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
