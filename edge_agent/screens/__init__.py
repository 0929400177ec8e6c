"""The resident's pages: templates, one style sheet, one small script, and the renderer that fills them."""
