/** Every rate with the time it holds for, its layer, and where it comes from. */
import type { Answer } from "../data/answers";
import type { RateRow, Rates } from "../data/prices";
import { plain } from "../data/table";
import { count, DASH, exact } from "../format";
import { Panel } from "../panels/Panel";

const SHOWN = 50;
const COLUMNS = ["input", "cache_read", "cache_write_5m", "output"] as const;
const NAMES: Readonly<Record<string, string>> = {
  input: "Input",
  cache_read: "Cache read",
  cache_write_5m: "Cache write",
  output: "Output",
};

interface Props {
  readonly answer: Answer<Rates>;
  readonly providers: readonly string[];
  readonly provider: string;
  readonly model: string;
  readonly onProvider: (provider: string) => void;
  readonly onModel: (model: string) => void;
}

function price(rate: RateRow, unit: string): string {
  const steps = rate.prices[unit];
  return steps ? steps.map((each) => `$${each}`).join(" / ") : DASH;
}

function others(rate: RateRow): string {
  return Object.keys(rate.prices)
    .filter((unit) => !(COLUMNS as readonly string[]).includes(unit))
    .map((unit) => `${unit.replaceAll("_", " ")} ${price(rate, unit)} per ${count(rate.per[unit])}`)
    .join(", ");
}

function holds(rate: RateRow): string {
  const [from, to] = [rate.valid_from?.slice(0, 10), rate.valid_to?.slice(0, 10)];
  if (!from && !to) return "always";
  return `${from ?? ""} – ${to ?? ""}`;
}

export function Catalogue(props: Props) {
  const { answer } = props;
  const rates = answer.data?.rates ?? [];
  return (
    <Panel
      title="Catalogue"
      caption={`${exact(rates.length)} rates, USD per million tokens; ${answer.data?.version ?? ""}`}
      answer={answer}
      height={300}
      table={() => ({
        columns: ["Model", "Provider", "Mode", "From", "To", ...COLUMNS, "Others", "Layer", "Source", "Checked"],
        rows: rates.map((rate) => [
          rate.model,
          ...[rate.provider, rate.mode, rate.valid_from, rate.valid_to].map(plain),
          ...COLUMNS.map((unit) => rate.prices[unit]?.join(" / ") ?? ""),
          ...[others(rate), rate.layer, rate.source, rate.checked].map(plain),
        ]),
      })}
      actions={
        <>
          <input
            type="search"
            placeholder="Model"
            aria-label="Model name contains"
            value={props.model}
            onInput={(event) => props.onModel(event.currentTarget.value)}
          />
          <select
            class="control"
            aria-label="Provider"
            value={props.provider}
            onChange={(event) => props.onProvider(event.currentTarget.value)}
          >
            {props.providers.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </>
      }
    >
      {() => (
        <div class="scroll-x" role="region" aria-label="Catalogue, rows" tabIndex={0}>
          <table class="broad">
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col">Mode</th>
                <th scope="col">Holds</th>
                {COLUMNS.map((unit) => (
                  <th key={unit} scope="col" class="num">
                    {NAMES[unit]}
                  </th>
                ))}
                <th scope="col">Source</th>
              </tr>
            </thead>
            <tbody>
              {rates.slice(0, SHOWN).map((rate, at) => (
                <tr key={at} title={[rate.reason, others(rate)].filter(Boolean).join("; ")}>
                  <th scope="row">
                    {rate.model} {rate.from_model && <small class="quiet">{rate.from_model}</small>}
                  </th>
                  <td>{rate.mode}</td>
                  <td>{holds(rate)}</td>
                  {COLUMNS.map((unit) => (
                    <td
                      key={unit}
                      class="num"
                      title={
                        rate.over_input_tokens.length > 1
                          ? `above ${rate.over_input_tokens.slice(1).map(exact).join(", ")} input tokens: the later price`
                          : ""
                      }
                    >
                      {price(rate, unit)}
                    </td>
                  ))}
                  <td>
                    <small class="quiet">
                      {rate.layer === "built-in" ? "" : `${rate.layer}: `}
                      {rate.source}
                      {rate.checked && `, ${rate.checked}`}
                    </small>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {rates.length > SHOWN && (
            <p class="note foot-note">{exact(rates.length - SHOWN)} more: narrow the search, or download the table.</p>
          )}
        </div>
      )}
    </Panel>
  );
}
