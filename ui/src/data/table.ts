/** A panel's figures as plain text: the table view, the CSV file and the screen reader get the same rows. */

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** One CSV field; text that a spreadsheet would run as a formula is defused (OWASP "CSV Injection"). */
function field(text: string): string {
  const safe = /^[-=+@\t\r\n]/.test(text) && !/^[-+]?\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** RFC 4180. */
export function csv(table: Table): string {
  return [table.columns, ...table.rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

export function plain(value: string | number | null | undefined): string {
  return value === null || value === undefined ? "" : String(value);
}
