"use strict";
(() => {
  const way = JSON.parse(document.getElementById("way")?.dataset.way || "[]");
  const map = document.querySelector(".map .frame");
  const here = map?.querySelector(".here");
  const areas = [...document.querySelectorAll(".area[data-series]")].map((area) => ({
    area,
    end: Number(area.dataset.end),
    series: JSON.parse(area.dataset.series),
    cursor: area.querySelector(".cursor"),
    outputs: [...area.parentElement.querySelectorAll("output")],
  }));
  const at = (rows, t) => {
    let low = 0, high = rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (rows[middle][0] <= t) low = middle; else high = middle - 1;
    }
    return rows[low];
  };
  const show = (t) => {
    for (const { end, series, cursor, outputs } of areas) {
      cursor.hidden = t === null;
      if (t !== null) cursor.style.left = (t / end) * 100 + "%";
      outputs.forEach((output, line) => {
        const row = t === null ? undefined : at(series[line], t);
        output.textContent = row ? " " + row[1].toFixed(2) : "";
      });
    }
    if (!here) return;
    const row = t === null ? undefined : at(way, t);
    here.hidden = !row;
    if (!row) return;
    const [west, south, width, height] = map.dataset.map.split(",").map(Number);
    here.style.left = ((row[1] - west) / width) * 100 + "%";
    here.style.top = (1 - (row[2] - south) / height) * 100 + "%";
  };
  for (const { area, end } of areas) {
    area.addEventListener("pointermove", (event) => {
      const box = area.getBoundingClientRect();
      show(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * end);
    });
    area.addEventListener("pointerleave", () => show(null));
  }
})();
