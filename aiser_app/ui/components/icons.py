# Reflex vars take any attribute and yield components at run time, which no annotation can say.
# mypy: disable-error-code="attr-defined, operator, no-any-return, type-arg, arg-type, call-overload, return-value, index, no-untyped-call"
"""Icons (Lucide, bundled one by one) and the two marks of the brand, as inline SVG."""

from __future__ import annotations

import reflex as rx


def icon(name: str, size: str = "", **props) -> rx.Component:
    """A decorative icon: 16 px, or `size` of `i-12`, `i-14`, `i-20`."""
    extra = props.pop("class_name", "")
    classes = " ".join(part for part in ("i", size, extra) if part)
    return rx.icon(name, class_name=classes, custom_attrs={"aria-hidden": "true"}, **props)


def _stroke(*paths: str, **props) -> rx.Component:
    return rx.el.svg(
        *(rx.el.path(d=path) for path in paths),
        fill="none",
        stroke="currentColor",
        stroke_linecap="round",
        stroke_linejoin="round",
        **props,
    )


def mark(**props) -> rx.Component:
    """The sign alone: an A whose crossbar is a tick."""
    return _stroke(
        "M3.5 20.5 12 3.5l8.5 17",
        "m8.6 15.4 2.7 2.6 4.3-5.2",
        view_box="0 0 24 24",
        stroke_width="2.25",
        custom_attrs={"role": "img", "aria-label": "Aiser"},
        **props,
    )


def wordmark(height: int) -> rx.Component:
    """The name with the sign as its A, `height` in pixels."""
    return rx.el.svg(
        rx.el.g(
            rx.el.path(d="M3.5 20.5 12 3.5l8.5 17"),
            rx.el.path(d="m8.6 15.4 2.7 2.6 4.3-5.2"),
            rx.el.path(d="M27.5 10v10.5"),
            rx.el.path(
                d="M41.2 11.9c-.8-1.3-2.2-2-3.9-2-2.1 0-3.6 1.1-3.6 2.7 0 3.7 7.8 1.5 7.8 5.3 0 1.7"
                "-1.6 2.8-3.9 2.8-2 0-3.6-.8-4.4-2.3"
            ),
            rx.el.path(
                d="M46.9 15.2h10.2c0-3.1-2.1-5.3-5-5.3-3 0-5.2 2.3-5.2 5.4s2.2 5.4 5.3 5.400c1.9 0 "
                "3.4-.8 4.4-2.2"
            ),
            rx.el.path(d="M63 20.500V10M63 14.500c.5-2.9 2.3-4.6 5.4-4.5"),
            stroke_width="2.25",
        ),
        rx.el.circle(cx="27.5", cy="5.2", r="1.5", fill="currentColor", stroke="none"),
        view_box="0 0 71 24",
        fill="none",
        stroke="currentColor",
        stroke_linecap="round",
        stroke_linejoin="round",
        custom_attrs={"role": "img", "aria-label": "Aiser"},
        style={"height": f"{height}px", "width": f"{height * 71 / 24:.1f}px"},
    )
