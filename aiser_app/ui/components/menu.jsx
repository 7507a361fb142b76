// A menu button on Radix's headless primitive: focus, typing ahead, Escape and placement are its.
import * as Menu from "@radix-ui/react-dropdown-menu";
import { useRef } from "react";
import { postJson } from "./api.js";

export function ActionMenu({ label, items, onChoose, small }) {
  const chosen = useRef("");
  // After the menu is gone: it hands the focus back to its button, which an action may want elsewhere.
  function closed() {
    const key = chosen.current;
    chosen.current = "";
    if (key) onChoose?.(key);
  }
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild>
        <button type="button" className={small ? "btn ghost icon sm row-menu" : "btn ghost icon sm"} aria-label={label}>
          <svg className="i" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
            <circle cx="12" cy="12" r="1" />
            <circle cx="19" cy="12" r="1" />
            <circle cx="5" cy="12" r="1" />
          </svg>
        </button>
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Content className="menu" align="start" sideOffset={4} collisionPadding={8} onCloseAutoFocus={closed}>
          {items.map((item) => (
            <Menu.Item
              key={item.key}
              className={item.danger ? "menu-i danger" : "menu-i"}
              onSelect={() => {
                chosen.current = item.key;
              }}
            >
              {item.label}
            </Menu.Item>
          ))}
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}

async function signOut() {
  try {
    await postJson("/api/v1/auth/logout", {});
  } catch (error) {
    if (error.status !== 401) return;
  }
  window.location.assign("/sign-in");
}

export function AccountMenu({ name, email, initials, role }) {
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild>
        <button type="button" className="btn ghost account" aria-label={`Account of ${name}`}>
          <span className="avatar lg" aria-hidden="true">{initials}</span>
          <span className="trunc wide">{name}</span>
        </button>
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Content className="menu" align="start" side="top" sideOffset={6} collisionPadding={8}>
          <Menu.Label className="label">
            {email}, {role}
          </Menu.Label>
          <Menu.Item className="menu-i" onSelect={signOut}>Sign out</Menu.Item>
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}
