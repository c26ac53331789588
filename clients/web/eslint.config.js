import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["src/gen", "node_modules", "*.config.*", "scripts", "public"] },
  ...tseslint.configs.strictTypeChecked,
  a11y.flatConfigs.strict,
  hooks.configs.flat.recommended,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "jsx-a11y/label-has-associated-control": ["error", { depth: 4 }],
      // Numbers in sentences are what templates are for.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // An event handler may be async: its failures go to the page's own state.
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // Taking a property out by naming it.
      "@typescript-eslint/no-unused-vars": ["error", { varsIgnorePattern: "^_$", argsIgnorePattern: "^_" }],
      // The number in an <option> is the enum's, because this page wrote it there.
      "@typescript-eslint/no-unsafe-enum-assignment": "off",
      // TanStack Router redirects and refuses by throwing what is no Error.
      "@typescript-eslint/only-throw-error": "off",
    },
  },
);
