// Charts, fetched by the first page that draws one: most visits need none.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Props } from "./chart";

let drawn: ComponentType<Props> | undefined;

export function Chart(props: Props) {
	const [Draw, setDraw] = useState<ComponentType<Props> | undefined>(() => drawn);
	useEffect(() => {
		if (Draw !== undefined) return;
		let wanted = true;
		void import("./chart").then((module) => {
			drawn = module.Chart;
			if (wanted) setDraw(() => module.Chart);
		});
		return () => {
			wanted = false;
		};
	}, []);
	return Draw === undefined ? <div class="chart chart-place" /> : <Draw {...props} />;
}
