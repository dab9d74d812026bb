// The token is asked for once and kept until the tab is closed.
import { useEffect, useRef, useState } from "preact/hooks";
import { Dialog } from "./dialog";

const place = "netabase-token";

export class NoToken extends Error {
  constructor() {
    super("Nothing was done: no token was given.");
  }
}

interface Question {
  wrong: boolean;
  answer: (token: string) => void;
  refuse: () => void;
}

let ask: ((question: Question) => void) | undefined;
let pending: Promise<string> | undefined;

/** The token, from the user if it is not known. Wrong says that the one before was refused. */
export function askToken(wrong: boolean): Promise<string> {
  const known = sessionStorage.getItem(place);
  if (known) return Promise.resolve(known);
  pending ??= new Promise<string>((resolve, reject) => {
    ask?.({
      wrong,
      answer: (token) => {
        sessionStorage.setItem(place, token);
        resolve(token);
      },
      refuse: () => reject(new NoToken()),
    });
  }).finally(() => (pending = undefined));
  return pending;
}

export const forgetToken = () => sessionStorage.removeItem(place);

/** The dialog that asks. One of it has to be on the page. */
export function TokenDialog() {
  const [question, setQuestion] = useState<Question>();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    ask = setQuestion;
    return () => {
      ask = undefined;
    };
  }, []);
  if (!question) return null;
  const end = (give: boolean) => {
    const token = input.current!.value.trim();
    setQuestion(undefined);
    if (give) question.answer(token);
    else question.refuse();
  };
  return (
    <Dialog title="Token" close={() => end(false)}>
      {question.wrong && <p class="error">That token was refused.</p>}
      <p>
        Changing a row, asking other peers and syncing take the node's token. It is in the file{" "}
        <code>control.token</code> of the node's directory; a demonstration prints it when it starts.
      </p>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          end(true);
        }}
      >
        <label>
          Token
          <input ref={input} type="password" name="token" autocomplete="off" required />
        </label>
        <div class="actions">
          <button type="button" onClick={() => end(false)}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Go on
          </button>
        </div>
      </form>
    </Dialog>
  );
}
