// Draws the chart of a run with ECharts. The option is JSON from our own server; everything that
// needs a function (number formats, theme colours) is added here, so no code ever travels.
import { useContext, useEffect, useRef, useState } from "react";
import * as echarts from "echarts/core";
import { BarChart, LineChart, PieChart, ScatterChart } from "echarts/charts";
import {
  AriaComponent,
  DatasetComponent,
  DataZoomInsideComponent,
  GridComponent,
  LegendComponent,
  LegendScrollComponent,
  MarkLineComponent,
  TitleComponent,
  TooltipComponent,
} from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";
import { ColorModeContext } from "$/utils/context";
import { getJson } from "./api.js";
import { axisFormat, digitsFor, formatNumber } from "./numbers.js";
import light from "./aiser-light.json";
import dark from "./aiser-dark.json";

echarts.use([
  BarChart, LineChart, PieChart, ScatterChart, AriaComponent, DatasetComponent,
  DataZoomInsideComponent, GridComponent, LegendComponent, LegendScrollComponent,
  MarkLineComponent, TitleComponent, TooltipComponent, CanvasRenderer,
]);

const finished = new Map();

function fetchOnce(key, fetchChart) {
  if (!finished.has(key)) {
    const pending = fetchChart();
    pending.catch(() => finished.delete(key));
    finished.set(key, pending);
    if (finished.size > 50) finished.delete(finished.keys().next().value);
  }
  return finished.get(key);
}

function chartOfRun(runId) {
  return fetchOnce(runId, () =>
    getJson(`/api/v1/runs/${encodeURIComponent(runId)}`).then((run) => run.chart),
  );
}

const list = (value) => (value === undefined || value === null ? [] : [].concat(value));

function numbersOf(option) {
  const rows = list(option.dataset).flatMap((set) => set?.source || []);
  const inline = list(option.series).flatMap((s) => s.data || []);
  return [...rows, ...inline].flatMap((item) => {
    if (Array.isArray(item)) return item.filter((v) => typeof v === "number");
    const value = item !== null && typeof item === "object" ? (item.value ?? item) : item;
    return list(value).filter((v) => typeof v === "number");
  });
}

// A ranking names the end of its data that holds the answer: it is told apart by weight of colour.
function emphasise(series, theme) {
  const { leader, data } = series[0] || {};
  if (!leader || series.length !== 1 || !Array.isArray(data) || data.length < 3) return series;
  const answer = leader === "last" ? data.length - 1 : 0;
  const painted = data.map((d, i) => ({
    ...(d !== null && typeof d === "object" ? d : { value: d }),
    itemStyle: { color: i === answer ? theme.color[0] : theme.aiser.seq[3] },
  }));
  return [{ ...series[0], data: painted }];
}

function dress(option, theme, { unit, horizontal, reduced, narrow }) {
  const numbers = numbersOf(option);
  const digits = digitsFor(numbers);
  const formatAxis = axisFormat(Math.max(0, ...numbers.map(Math.abs)));
  const show = (value) => formatNumber(value, digits);
  const withUnit = (value) => (unit ? `${show(value)} ${unit}` : show(value));
  // Bars end where the scale ends: the values stand beside them, so a round last tick is not missed.
  const scale = horizontal ? { max: "dataMax" } : {};
  const axis = (spec) =>
    list(spec).map((a) =>
      a.type === "value"
        ? { ...scale, ...a, name: "", splitLine: { showMaxLine: !horizontal }, axisLabel: { showMaxLabel: !horizontal, ...a.axisLabel, formatter: formatAxis } }
        : horizontal
          ? { ...a, axisLine: { show: false }, axisTick: { show: false },
              axisLabel: { ...a.axisLabel, color: theme.aiser.fgMuted, width: narrow ? 110 : 180, overflow: "truncate" } }
          : { ...a, axisTick: { show: false } },
    );
  let series = list(option.series).map((s) =>
    s.label?.show
      ? { ...s, label: { ...s.label, formatter: (p) => show(pick(p)), color: theme.aiser.fgMuted } }
      : s,
  );
  if (horizontal) series = emphasise(series, theme);
  return {
    ...option,
    animation: !reduced,
    aria: { enabled: true, ...option.aria },
    // The title above the chart says measure and unit, so the value axis has no name.
    grid: { ...option.grid, bottom: named(option.xAxis) ? 28 : 6 },
    xAxis: axis(option.xAxis),
    yAxis: axis(option.yAxis),
    series,
    tooltip: {
      trigger: "axis", confine: true, ...option.tooltip, valueFormatter: withUnit,
      axisPointer: { type: series.some((s) => s.type === "bar") ? "shadow" : "line" },
    },
  };
}

function named(axes) {
  return list(axes).some((a) => a.type !== "value" && a.name);
}

function pick(point) {
  const encoded = point.encode?.x?.length && point.encode?.y?.length;
  if (Array.isArray(point.value) && encoded) {
    const numeric = [...point.encode.x, ...point.encode.y].find(
      (index) => typeof point.value[index] === "number",
    );
    return point.value[numeric];
  }
  if (point.value !== null && typeof point.value === "object" && !Array.isArray(point.value)) {
    return Object.values(point.value).find((v) => typeof v === "number");
  }
  return list(point.value).find((v) => typeof v === "number") ?? point.value;
}

function isHorizontal(option) {
  return list(option.yAxis)[0]?.type === "category";
}

function heightFor(option) {
  if (!isHorizontal(option)) return 320;
  const rows = list(option.yAxis)[0]?.data?.length || list(option.dataset)[0]?.source?.length || 10;
  return Math.min(Math.max(rows * 29 + 40, 120), 640);
}

export function RunChart({ runId, label, unit }) {
  return <Chart source={runId} load={() => chartOfRun(runId)} label={label} unit={unit} />;
}

// A chart that an address of the interface answers with; `stamp` changes when it has to be read anew.
export function ServedChart({ path, stamp, label, unit, height }) {
  const source = `${path}#${stamp}`;
  return (
    <Chart source={source} load={() => fetchOnce(source, () => getJson(path))} label={label} unit={unit} height={height} />
  );
}

function Chart({ source, load, label, unit, height }) {
  const box = useRef(null);
  const [chart, setChart] = useState(null);
  const [problem, setProblem] = useState("");
  const { resolvedColorMode } = useContext(ColorModeContext);

  useEffect(() => {
    let alive = true;
    setProblem("");
    load().then(
      (found) => alive && setChart(found?.option ? found : { option: null }),
      (error) => alive && setProblem(error.message),
    );
    return () => {
      alive = false;
    };
  }, [source]);

  useEffect(() => {
    if (!chart?.option || !box.current) return undefined;
    const theme = resolvedColorMode === "dark" ? dark : light;
    const drawn = echarts.init(box.current, theme, { renderer: "canvas" });
    const reduced = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const horizontal = isHorizontal(chart.option);
    const narrow = box.current.clientWidth < 480;
    drawn.setOption(dress(chart.option, theme, { unit, horizontal, reduced, narrow }));
    const watcher = new ResizeObserver(() => drawn.resize());
    watcher.observe(box.current);
    document.fonts?.ready.then(() => !drawn.isDisposed() && drawn.resize());
    return () => {
      watcher.disconnect();
      drawn.dispose();
    };
  }, [chart, resolvedColorMode, unit]);

  if (problem) return <p className="muted" role="alert">{problem} The table holds the same rows.</p>;
  if (chart && !chart.option) return <p className="muted">This answer has no chart.</p>;
  if (!chart) return <div className="skel" style={{ height: height || 320 }} aria-busy="true" />;
  return (
    <div
      ref={box}
      className="chart"
      role="img"
      aria-label={label}
      data-testid="chart"
      style={{ height: height || heightFor(chart.option) }}
    />
  );
}
