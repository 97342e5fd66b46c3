// A sheet of styles, imported for what it does to the page.
export {};
