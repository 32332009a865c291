"""The page of the playground: its elements, style, modules of JavaScript, and what joins them."""
