"""What commands, buttons and replies work with: one value, built when the bot starts and handed to everything."""

from __future__ import annotations

from dataclasses import dataclass

from bot.admission import Admission
from bot.attachments import AttachmentReader
from bot.casting import Casting
from bot.dispatcher import Dispatcher
from bot.fleet import Fleet
from bot.gate import Gate
from bot.gathering import Gathering
from bot.ledger.ledger import Ledger
from bot.ledger.presets import Shelf
from bot.message_links import LinkedPictures
from bot.narration import Narration
from bot.offer import Offer
from bot.privacy import Privacy
from bot.routes import Routes
from bot.tray_desk import TrayDesk
from flux2.prompting.styles import Styles
from worker.blobs import Blobs


@dataclass(frozen=True)
class Services:
    """The parts behind the Discord client."""

    ledger: Ledger
    shelf: Shelf
    fleet: Fleet
    offer: Offer
    routes: Routes
    blobs: Blobs
    attachments: AttachmentReader
    dispatcher: Dispatcher
    narration: Narration
    casting: Casting
    links: LinkedPictures
    gathering: Gathering
    tray_desk: TrayDesk
    admission: Admission
    styles: Styles
    gate: Gate
    privacy: Privacy
