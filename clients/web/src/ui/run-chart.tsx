/** A chart of runs over time, oldest left; loaded only where charts are shown. */
import { useEffect, useRef } from "react";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useTheme } from "../app/theme";

const DAY = 86_400;
const days = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const hours = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const shortTime = (seconds: number, step: number): string =>
  (step >= DAY ? days : hours).format(new Date(seconds * 1000));

interface RunChartProps {
  readonly label: string;
  /** Seconds since the epoch. */
  readonly times: readonly number[];
  readonly values: readonly number[];
  readonly format: (value: number) => string;
}

export function RunChart({ label, times, values, format }: RunChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const size = () => ({ width: Math.max(200, element.clientWidth), height: element.clientHeight });
    const first = times[0] ?? 0;
    const last = times.at(-1) ?? first;
    // Room beside the first and the last run; one run alone stands in the middle of its hour.
    const beside = last - first < 60 ? 1800 : (last - first) * 0.05;
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const paths = UPlot.paths.bars?.({ size: [0.6, 22, 2] });
    const chart = new UPlot(
      {
        ...size(),
        legend: { show: false },
        cursor: { y: false },
        scales: {
          x: { time: true, range: () => [first - beside, last + beside] },
          y: { range: (_, _low, high) => [0, Math.max(1, high * 1.1)] },
        },
        axes: [
          { ...axis, values: (_, ticks, _axis, _space, step) => ticks.map((tick) => shortTime(tick, step)) },
          { ...axis, size: 62, values: (_, ticks) => ticks.map(format) },
        ],
        series: [
          {},
          {
            fill: colour("--accent"),
            stroke: colour("--accent"),
            width: 0,
            points: { show: false },
            ...(paths && { paths }),
          },
        ],
      },
      [[...times], [...values]],
      element,
    );
    const watch = new ResizeObserver(() => chart.setSize(size()));
    watch.observe(element);
    return () => {
      watch.disconnect();
      chart.destroy();
    };
  }, [times, values, format, theme]);
  return <div ref={box} className="chart-box" role="img" aria-label={label} />;
}
