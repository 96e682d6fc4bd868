// A line over time, by uPlot: colours of the page, redrawn where it is resized or the scheme changes.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

export interface Props {
	label: string;
	unit: string;
	at: readonly number[]; // seconds
	values: readonly (number | null)[];
	steps?: boolean;
}

const HEIGHT = 180;

function colour(name: string): string {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function optionsOf({ label, unit, steps }: Props, width: number): uPlot.Options {
	const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
	const stepped = uPlot.paths.stepped;
	return {
		width,
		height: HEIGHT,
		legend: { show: false },
		cursor: { points: { size: 6 }, drag: { x: false, y: false } },
		scales: { x: { time: true }, y: { range: (_, low, high) => (low === high ? [Math.min(0, low), high + 1] : [low < 0 ? low : 0, high * 1.1]) } },
		axes: [{ ...axis, space: 90, values: (_, marks) => marks.map((mark) => new Date(mark * 1000).toLocaleTimeString("en-GB")) }, { ...axis, size: 64, values: (_, marks) => marks.map((mark) => `${mark.toLocaleString("en-US", { maximumFractionDigits: 3 })}${unit === "" ? "" : ` ${unit}`}`) }],
		series: [{}, { label, stroke: colour("--accent"), width: 1.5, fill: colour("--accent-soft"), points: { show: false }, ...(steps === true && stepped !== undefined ? { paths: stepped({ align: 1 }) } : {}) }],
	};
}

export function Chart(props: Props) {
	const box = useRef<HTMLDivElement>(null);
	const plot = useRef<uPlot | null>(null);
	const data = [props.at, props.values] as unknown as uPlot.AlignedData;
	const latest = useRef(data);
	latest.current = data;
	useEffect(() => {
		const element = box.current;
		if (element === null) return;
		const scheme = matchMedia("(prefers-color-scheme: dark)");
		const make = () => {
			plot.current?.destroy();
			plot.current = new uPlot(optionsOf(props, element.clientWidth), latest.current, element);
		};
		make();
		const watcher = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
		watcher.observe(element);
		scheme.addEventListener("change", make);
		return () => {
			watcher.disconnect();
			scheme.removeEventListener("change", make);
			plot.current?.destroy();
			plot.current = null;
		};
	}, []);
	useEffect(() => {
		plot.current?.setData(data);
	}, [props.at, props.values]);
	const last = props.values.findLast((value) => value !== null);
	return (
		<figure class="chart">
			<figcaption>
				<span>{props.label}</span>
				<strong>
					{last === undefined || last === null ? "–" : last.toLocaleString("en-US", { maximumFractionDigits: 3 })} {props.unit}
				</strong>
			</figcaption>
			<div ref={box} class="chart-box" aria-hidden="true" />
		</figure>
	);
}
