/** A chart of runs over time, oldest left; loaded only where charts are shown. */
import { useEffect, useRef } from "react";
import UPlot from "uplot";
import { useTheme } from "../app/theme";

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
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const paths = UPlot.paths.bars?.({ size: [0.6, 22, 2] });
    const chart = new UPlot(
      {
        ...size(),
        legend: { show: false },
        cursor: { y: false },
        scales: {
          x: { time: true, range: (_, low, high) => [low - 1 - (high - low) * 0.04, high + 1 + (high - low) * 0.04] },
          y: { range: (_, _low, high) => [0, Math.max(1, high * 1.1)] },
        },
        axes: [axis, { ...axis, size: 62, values: (_, ticks) => ticks.map(format) }],
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
