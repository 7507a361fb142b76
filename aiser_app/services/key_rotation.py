"""Credentials at rest under a new key."""

from __future__ import annotations

import logging

from sqlalchemy import Engine

from aiser_app.access.sealing import Sealer
from aiser_app.db.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)


class KeyRotation:
    """Safe to repeat: until every address is written anew, the old keys stay readable."""

    def __init__(self, engine: Engine, sealer: Sealer) -> None:
        self._engine = engine
        self._sealer = sealer

    def rotate(self) -> int:
        """A new primary key, every address and secret encrypted with it, the old keys gone.

        Returns how many there were.

        Raises:
            SecretUnreadable: an address cannot be read with any key; nothing was changed but that
                there is one key more.
        """
        self._sealer.rotate()
        with UnitOfWork(self._engine) as uow:
            sealed = uow.data_sources.list_sealed()
            for source_id, text in sealed:
                uow.data_sources.replace_sealed(source_id, self._sealer.renew(text))
            secrets = uow.data_sources.list_cube_secrets()
            for source_id, text in secrets:
                uow.data_sources.replace_cube_secret(source_id, self._sealer.renew(text))
            uow.commit()
        self._sealer.drop_old()
        renewed = len(sealed) + len(secrets)
        log.info("keys_rotated", extra={"renewed": renewed})
        return renewed
