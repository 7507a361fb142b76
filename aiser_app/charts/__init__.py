"""From the shape of a result to a chart: which kind fits, and its ECharts option as plain JSON."""
