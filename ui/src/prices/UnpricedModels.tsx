/** Models that no price list names: how much went through them, and "map to", which prices their calls. */
import { useState } from "preact/hooks";
import type { Answer } from "../data/answers";
import type { Reprice, Unpriced } from "../data/prices";
import { useSending } from "../data/send";
import { plain } from "../data/table";
import { count, DASH, exact, stamp } from "../format";
import { Panel } from "../panels/Panel";
import { linkTo } from "../view/navigate";
import type { View } from "../view/view";

type Model = Unpriced["models"][number];

function MapTo({ model, onChanged }: { model: Model; onChanged: () => void }) {
  const [target, setTarget] = useState(model.nearest[0] ?? "");
  const mapping = useSending<Reprice>("api/v1/prices/map");
  const list = `near-${model.provider ?? ""}-${model.model ?? ""}`;
  const onSubmit = async (event: Event) => {
    event.preventDefault();
    const body = { model: model.model, to: target, ...(model.provider && { provider: model.provider }) };
    if (await mapping.send(body)) onChanged();
  };
  if (!model.model) return <span class="quiet">the calls name no model</span>;
  return (
    <form class="map-to" onSubmit={onSubmit}>
      <input
        type="text"
        list={list}
        value={target}
        placeholder="provider/model"
        aria-label={`Price ${model.model} as`}
        onInput={(event) => setTarget(event.currentTarget.value)}
      />
      <datalist id={list}>
        {model.nearest.map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
      <button type="submit" class="control" disabled={mapping.busy || !target.includes("/")}>
        {mapping.busy ? "Pricing…" : "Map to"}
      </button>
      {mapping.problem && (
        <span class="warn-text" role="alert">
          {mapping.problem.detail || mapping.problem.title}
        </span>
      )}
    </form>
  );
}

export function UnpricedModels(props: { answer: Answer<Unpriced>; view: View; onChanged: () => void }) {
  const { answer, view } = props;
  const models = answer.data?.models ?? [];
  return (
    <Panel
      title="Models without a price"
      caption="their calls are in no total; a mapping is written to costspan.yaml and prices only these calls"
      answer={answer}
      height={120}
      table={() => ({
        columns: ["Model", "Provider", "Calls", "Tokens", "First seen", "Last seen", "Reason"],
        rows: models.map((each) => [
          each.model ?? "",
          ...[each.provider, each.calls, each.tokens, each.first_seen, each.last_seen, each.reason].map(plain),
        ]),
      })}
    >
      {() =>
        models.length ? (
          <div class="scroll-x" role="region" aria-label="Models without a price, rows" tabIndex={0}>
            <table>
              <thead>
                <tr>
                  <th scope="col">Model</th>
                  <th scope="col">Provider</th>
                  <th scope="col" class="num">
                    Calls
                  </th>
                  <th scope="col" class="num">
                    Tokens
                  </th>
                  <th scope="col">Last seen</th>
                  <th scope="col">Price it as</th>
                </tr>
              </thead>
              <tbody>
                {models.map((each) => (
                  <tr key={`${each.provider ?? ""}/${each.model ?? ""}`}>
                    <th scope="row" title={each.reason ?? ""}>
                      <a
                        class="text-link"
                        href={linkTo(
                          {
                            ...view,
                            filters: [
                              { key: "model", value: each.model ?? "", exclude: false },
                              { key: "price_status", value: each.price_status, exclude: false },
                            ],
                          },
                          "calls",
                        )}
                      >
                        {each.model ?? "(none named)"}
                      </a>
                    </th>
                    <td>{each.provider ?? DASH}</td>
                    <td class="num" title={exact(each.calls)}>
                      {count(each.calls)}
                    </td>
                    <td class="num" title={exact(each.tokens)}>
                      {count(each.tokens)}
                    </td>
                    <td class="num">{stamp(new Date(each.last_seen), view.tz)}</td>
                    <td>
                      <MapTo model={each} onChanged={props.onChanged} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ) : (
          <p class="note">Every call that reported usage has a price.</p>
        )
      }
    </Panel>
  );
}
