// A plain `npm install` would install only the root's own tools and leave every
// package without its dependencies.
if (!(process.env.npm_config_user_agent ?? "").startsWith("pnpm/")) {
  console.error(
    "PixelCal is a pnpm workspace. Run `npm test` or `npm run demo`: both fetch pnpm and install everything.",
  );
  process.exit(1);
}
