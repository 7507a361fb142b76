// A virtual grid over the rows of a result: pages are fetched as they scroll into view.
import { useEffect, useMemo, useState } from "react";
import { AgGridReact } from "ag-grid-react";
import {
  CellStyleModule,
  ColumnAutoSizeModule,
  InfiniteRowModelModule,
  ModuleRegistry,
  themeQuartz,
} from "ag-grid-community";
import { getJson } from "./api.js";
import { digitsFor, formatNumber } from "./numbers.js";

ModuleRegistry.registerModules([CellStyleModule, ColumnAutoSizeModule, InfiniteRowModelModule]);

const PAGE = 200;
const NUMERIC = new Set(["integer", "number", "decimal"]);

const theme = themeQuartz.withParams({
  accentColor: "var(--accent)",
  backgroundColor: "var(--bg-surface)",
  borderColor: "var(--border)",
  browserColorScheme: "inherit",
  cellHorizontalPadding: "12px",
  chromeBackgroundColor: "var(--bg-sunken)",
  columnBorder: true,
  fontFamily: "var(--font-ui)",
  fontSize: "13px",
  foregroundColor: "var(--fg)",
  headerBackgroundColor: "var(--bg-sunken)",
  headerFontSize: "12px",
  headerFontWeight: 500,
  headerHeight: "28px",
  headerTextColor: "var(--fg-subtle)",
  rowBorder: true,
  rowHeight: "26px",
  rowHoverColor: "var(--bg-hover)",
  spacing: "6px",
  wrapperBorder: false,
  wrapperBorderRadius: "0px",
});

function address(resultId, offset, sort) {
  const query = new URLSearchParams({ offset: String(offset), limit: String(PAGE) });
  for (const key of sort || []) query.append("sort", key);
  return `/api/v1/results/${encodeURIComponent(resultId)}?${query}`;
}

function cell(params) {
  if (params.data === undefined) return "";
  const { value } = params;
  if (value === null || value === undefined) return <i className="null">empty</i>;
  return typeof value === "boolean" ? (value ? "yes" : "no") : params.valueFormatted ?? String(value);
}

function columnsOf(page) {
  return page.columns.map((column, index) => {
    const numeric = NUMERIC.has(column.type);
    const digits = numeric ? digitsFor(page.rows.map((row) => row[index])) : 0;
    const title = column.title || column.name;
    return {
      colId: column.name,
      headerName: column.unit ? `${title} (${column.unit})` : title,
      valueGetter: (p) => (p.data === undefined ? undefined : p.data[index]),
      valueFormatter: numeric ? (p) => formatNumber(p.value, digits) : undefined,
      cellRenderer: cell,
      type: numeric ? "rightAligned" : undefined,
      cellClass: numeric ? "num ag-right-aligned-cell" : undefined,
      minWidth: 90,
      resizable: true,
      sortable: true,
    };
  });
}

function copyCell(event) {
  const pressed = event.event;
  if (!pressed || !(pressed.ctrlKey || pressed.metaKey) || pressed.key !== "c") return;
  if (window.getSelection()?.toString()) return;
  navigator.clipboard?.writeText(event.value === null ? "" : String(event.value ?? ""));
}

export function ResultGrid({ resultId, label, height }) {
  const [first, setFirst] = useState(null);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    const abort = new AbortController();
    setProblem("");
    getJson(address(resultId, 0), abort.signal).then(setFirst, (error) => {
      if (error.name !== "AbortError") setProblem(`${error.message} ${error.hint || ""}`);
    });
    return () => abort.abort();
  }, [resultId]);

  const columns = useMemo(() => (first ? columnsOf(first) : []), [first]);
  const source = useMemo(() => {
    if (!first) return undefined;
    return {
      rowCount: first.row_count,
      getRows: async ({ startRow, sortModel, successCallback, failCallback }) => {
        const sort = sortModel.map((s) => (s.sort === "desc" ? "-" : "") + s.colId);
        try {
          const page =
            startRow === 0 && !sort.length ? first : await getJson(address(resultId, startRow, sort));
          successCallback(page.rows, page.row_count);
        } catch (error) {
          setProblem(`${error.message} ${error.hint || ""}`);
          failCallback();
        }
      },
    };
  }, [first, resultId]);

  if (problem) return <p className="muted pad" role="alert">{problem}</p>;
  if (!first) return <div className="skel" style={{ height, margin: 12 }} aria-busy="true" />;
  if (first.row_count === 0) return <p className="muted pad">The query ran and returned 0 rows.</p>;
  const scrollbar = first.columns.length > 6 ? 16 : 0;
  const needed = Math.min(28 + first.row_count * 26 + 2 + scrollbar, height);
  return (
    <div style={{ height: needed }} data-testid="grid" role="group" aria-label={label}>
      <AgGridReact
        theme={theme}
        rowModelType="infinite"
        columnDefs={columns}
        datasource={source}
        cacheBlockSize={PAGE}
        maxBlocksInCache={20}
        infiniteInitialRowCount={Math.min(first.row_count, PAGE)}
        autoSizeStrategy={{ type: "fitGridWidth", defaultMinWidth: 110 }}
        enableCellTextSelection
        suppressDragLeaveHidesColumns
        onCellKeyDown={copyCell}
        onFirstDataRendered={(event) => event.api.sizeColumnsToFit({ defaultMinWidth: 110 })}
      />
    </div>
  );
}
