"""Small pictures of our own: strokes in a square of 24, drawn in the colour of the text."""

ICONS = {
    "dashboard": '<path d="M4 13h7V4H4zM13 20h7v-9h-7zM4 20h7v-4H4zM13 8h7V4h-7z"/>',
    "requests": '<path d="M4 13l3-8h10l3 8v6H4zM4 13h5l1 2h4l1-2h5"/>',
    "people": '<circle cx="9" cy="8" r="3"/><path d="M3 19c0-3 3-5 6-5s6 2 6 5M16 6a3 3 0 010 5M17 14c2 0 4 2 4 5"/>',
    "audit": '<path d="M6 3h9l4 4v14H6zM9 11h7M9 15h7M9 7h3"/>',
    "bases": '<path d="M12 4v16M6 20h12M5 7h14M5 7l-2 6h5zM19 7l-2 6h5z"/>',
    "register": '<path d="M5 4h14v16H5zM9 4v16M12 9h4M12 13h4"/>',
    "agreements": '<path d="M5 3h14v18H5zM9 12l2 2 4-5M9 17h6"/>',
    "tokens": '<circle cx="8" cy="15" r="4"/><path d="M11 12l8-8M16 7l3 3"/>',
    "accounts": '<circle cx="12" cy="8" r="4"/><path d="M4 21c0-4 4-6 8-6s8 2 8 6"/>',
    "settings": '<path d="M4 7h9M17 7h3M4 17h3M11 17h9"/><circle cx="15" cy="7" r="2"/><circle cx="9" cy="17" r="2"/>',
    "webhooks": '<path d="M4 12h10M10 7l5 5-5 5M18 5v14"/>',
    "jobs": '<circle cx="12" cy="12" r="8"/><path d="M12 7v5l3 2"/>',
    "keys": '<path d="M12 3l7 3v6c0 4-3 7-7 9-4-2-7-5-7-9V6zM9 12l2 2 4-4"/>',
    "sign-out": '<path d="M10 4H5v16h5M14 8l4 4-4 4M8 12h10"/>',
    "download": '<path d="M12 4v11M7 11l5 5 5-5M5 20h14"/>',
    "search": '<circle cx="11" cy="11" r="6"/><path d="M16 16l4 4"/>',
    "warning": '<path d="M12 4l9 16H3zM12 10v4M12 17v.5"/>',
}
