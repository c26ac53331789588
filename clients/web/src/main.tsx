/** Starts the client. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { CSPProvider } from "@base-ui/react/csp-provider";
import { Code } from "@connectrpc/connect";
import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { problemOf } from "./api/failures";
import { router } from "./app/router";
import { token, useRefused } from "./api/token";
import { SignIn } from "./app/sign-in";
import { applyTheme } from "./app/theme";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/parts.css";
import "./styles/job.css";
import "./styles/forms.css";
import "./styles/preview.css";

const queries = new QueryClient({
  queryCache: new QueryCache({
    // Also for a token that ended while the page was open.
    onError: (error) => problemOf(error).code === Code.Unauthenticated && token.refuse(),
  }),
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      retry: (failures, error) => failures < 2 && problemOf(error).temporary,
      retryDelay: (failures) => Math.min(500 * 2 ** failures, 4_000),
    },
    mutations: { retry: false },
  },
});

function App() {
  return useRefused() ? <SignIn /> : <RouterProvider router={router} />;
}

applyTheme();
const place = document.getElementById("root");
if (place !== null) {
  createRoot(place).render(
    <StrictMode>
      <CSPProvider disableStyleElements>
        <QueryClientProvider client={queries}>
          <App />
        </QueryClientProvider>
      </CSPProvider>
    </StrictMode>,
  );
}
