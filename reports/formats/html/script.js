"use strict";
// Move a cross-hair over each chart and read out the values nearest to it.
for (const svg of document.querySelectorAll("svg[data-chart]")) {
  const chart = JSON.parse(svg.dataset.chart);
  const cross = svg.querySelector(".cross");
  const readout = document.createElement("div");
  readout.className = "readout";
  readout.hidden = true;
  svg.parentElement.append(readout);
  const hide = () => { readout.hidden = true; cross.style.visibility = "hidden"; };
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    const lines = [];
    let column = null;
    for (const series of chart.series) {
      let nearest = null;
      for (const point of series.points) {
        if (nearest === null || Math.abs(point[0] - at) < Math.abs(nearest[0] - at)) nearest = point;
      }
      if (nearest === null) continue;
      column = column ?? nearest;
      const value = nearest[2] === null ? "not measured" : nearest[2].toLocaleString("en");
      lines.push(`${series.name}: ${value}`);
    }
    if (column === null) return hide();
    readout.textContent = "";
    for (const text of [`${column[1]} s, ${chart.unit}`, ...lines]) {
      const line = document.createElement("div");
      line.textContent = text;
      readout.append(line);
    }
    readout.hidden = false;
    for (const name of ["x1", "x2"]) cross.setAttribute(name, column[0]);
    cross.setAttribute("y1", chart.top);
    cross.setAttribute("y2", chart.bottom);
    cross.style.visibility = "visible";
  });
}
