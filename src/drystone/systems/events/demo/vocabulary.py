"""The topics of the demo data, each with the words that its events are written in.

A topic is a line: name, area, phrases. Topics of one area tend to appear together;
formats belong to no area and go with any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_TECHNOLOGY: Final = """
Large Language Models | ai | prompting, fine-tuning, context windows, hallucinations
Vector Search | data | embeddings, nearest neighbours, index recall, cosine distance
Kubernetes | cloud | pods, operators, helm charts, cluster upgrades, autoscaling
Zero-Knowledge Cryptography | web3 | proofs, circuits, verifiers, rollups, commitments
Python | software | type hints, packaging, asyncio, notebooks, decorators
AI Agents | ai | tool use, planning loops, agent memory, autonomous workflows
PostgreSQL | data | query plans, vacuum, extensions, logical replication, jsonb
Kubernetes Security | security | admission control, network policies, image scanning
Robotics | hardware | manipulators, motion planning, actuators, grippers, simulators
Retrieval-Augmented Generation | ai | chunking, grounding, reranking, source citations
Rust | software | ownership, lifetimes, the borrow checker, crates, memory safety
Observability | cloud | distributed tracing, structured logs, alerting, telemetry
Smart Contracts | web3 | solidity, contract audits, gas costs, formal verification
Data Engineering | data | pipelines, batch jobs, schema contracts, lineage, warehouses
Application Security | security | threat modelling, injection flaws, fuzzing, pentests
Computer Vision | ai | object detection, segmentation, image datasets, annotation
TypeScript | software | type inference, bundlers, compiler options, generics
Platform Engineering | cloud | developer portals, golden paths, self-service platforms
Quantum Computing | hardware | qubits, error correction, entanglement, annealing
Graph Databases | data | traversals, cypher queries, shortest paths, knowledge graphs
Model Evaluation | ai | benchmarks, test sets, human ratings, leaderboards
Identity Management | security | single sign-on, passkeys, federation, access reviews
API Design | software | versioning, pagination, idempotency, rate limits, webhooks
Internet of Things | hardware | sensors, firmware, low-power radios, device fleets
Decentralized Finance | web3 | liquidity pools, lending protocols, stablecoins, yields
Site Reliability Engineering | cloud | on-call rotations, postmortems, runbooks, outages
Stream Processing | data | event logs, windowing, exactly-once delivery, backpressure
Responsible AI | ai | fairness, bias audits, model cards, transparency reports
Distributed Systems | software | consensus, quorums, clock skew, network partitions
Incident Response | security | forensics, breach drills, malware triage, containment
Embedded Systems | hardware | microcontrollers, bootloaders, interrupts, debuggers
Serverless Computing | cloud | functions, cold starts, event triggers, pay-per-use
Web Performance | software | page speed, caching, lazy loading, core vitals
Data Visualization | data | dashboards, charts, interactive maps, colour scales
Blockchain Infrastructure | web3 | validators, node operators, bridges, mempools
Machine Learning Operations | ai | feature stores, model registries, drift monitors
Supply Chain Security | security | signed builds, provenance, attestations, sboms
Chip Design | hardware | floorplans, accelerators, foundries, timing closure
Frontend Frameworks | software | components, hydration, state stores, server rendering
Infrastructure as Code | cloud | terraform modules, state files, provisioning
Speech Recognition | ai | transcription, acoustic models, voice interfaces, accents
Full-Text Search | data | tokenisers, stemming, inverted indexes, autocomplete
Privacy Engineering | security | differential privacy, consent, anonymisation, erasure
Software Testing | software | property tests, mutation testing, fixtures, flaky suites
Augmented Reality | hardware | headsets, spatial anchors, hand tracking, overlays
Edge Computing | cloud | gateways, latency budgets, offline nodes, local inference
Digital Identity Wallets | web3 | verifiable credentials, key recovery, issuers, trust
Time Series | data | forecasting, seasonality, downsampling, anomaly detection
Reinforcement Learning | ai | reward design, policies, exploration, bandits
WebAssembly | software | sandboxing, portable bytecode, browser runtimes, plugins
Continuous Delivery | cloud | feature flags, canary releases, rollbacks, build queues
Mobile Development | software | app stores, offline sync, push notifications, gestures
3D Printing | hardware | filaments, resins, lattices, additive tooling, print beds
Functional Programming | software | immutability, monads, pattern matching, recursion
Analytics Engineering | data | metrics layers, semantic models, dimensional tables
Open Source | software | maintainers, licences, contributor guides, governance
Elixir | software | supervision trees, message passing, phoenix channels, beam nodes
Accessibility | design | screen readers, keyboard navigation, contrast, captions
Design Systems | design | design tokens, typography, style guides, pattern libraries
User Research | design | interviews, usability tests, diary studies, personas
"""

_INDUSTRY: Final = """
Climate Tech | climate | carbon removal, emissions accounting, climate risk, adaptation
Fintech | finance | ledgers, neobanks, credit scoring, card issuing, treasury
Digital Health | health | telemedicine, patient records, wearables, clinical trials
E-Commerce | commerce | checkout, storefronts, conversion, returns, catalogues
Gaming | media | game engines, level design, esports, playtests, multiplayer
Education Technology | society | classrooms, tutoring, curricula, learning outcomes
Electric Vehicles | mobility | batteries, charging networks, drivetrains, range
Venture Capital | finance | term sheets, seed rounds, portfolio support, exits
Renewable Energy | climate | solar farms, wind turbines, grid balancing, hydrogen
Biotechnology | health | protein folding, cell cultures, gene editing, lab automation
Marketing Technology | commerce | attribution, campaigns, audiences, newsletters
Government Technology | society | public services, procurement, open data, civic apps
Creator Economy | media | subscriptions, fan communities, short video, brand deals
Logistics | commerce | freight, warehouses, last-mile delivery, customs, tracking
Smart Cities | mobility | traffic signals, street sensors, zoning, public transport
Payments | finance | settlement, fraud screening, wallets, cross-border transfers
Sustainable Agriculture | climate | soil health, irrigation, crop yields, vertical farms
Medical Devices | health | implants, diagnostics, regulatory approval, prosthetics
Legal Technology | society | case law, contract review, e-discovery, court filings
Music Technology | media | synthesizers, streaming royalties, live sound, sampling
Retail Technology | commerce | point of sale, inventory, loyalty programmes, pricing
Space Industry | mobility | launch vehicles, orbits, satellites, ground stations
Insurance Technology | finance | underwriting, claims handling, actuarial tables
Energy Storage | climate | grid batteries, cell chemistry, thermal storage, peak load
Mental Health | health | therapy, burnout, mindfulness, peer support, sleep
Future of Work | society | remote teams, hiring, skills, four-day weeks, payroll
Journalism | media | newsrooms, fact-checking, investigations, local reporting
Food Technology | commerce | alternative proteins, fermentation, kitchens, recipes
Urban Mobility | mobility | bike lanes, scooters, ride sharing, transit passes
Open Banking | finance | account access, consent flows, bank interfaces, aggregation
Circular Economy | climate | recycling, repair, reuse, packaging waste, materials
Genomics | health | sequencing, variant calling, rare diseases, biobanks
Social Impact | society | nonprofits, volunteering, grants, philanthropy, refugees
Film and Video | media | editing, screenplays, visual effects, documentaries
Hospitality and Travel | commerce | hotels, bookings, itineraries, guest experience
Aviation | mobility | airspace, drones, sustainable fuels, flight crews, airports
Regulatory Compliance | finance | sanctions, reporting duties, audits, licensing
Water Technology | climate | desalination, leak detection, flood models, wastewater
Longevity | health | biomarkers, ageing clocks, nutrition, preventive care
Property Technology | society | housing, tenants, building permits, mortgages
"""

_FORMAT: Final = """
Meetup | - | short talks, local community, open questions, pizza
Workshop | - | guided exercises, laptops, small groups, working code
Hackathon | - | prototypes, teams, mentors, prizes, weekend builds
Conference | - | keynotes, parallel tracks, hallway conversations, exhibitors
Panel Discussion | - | moderators, opposing views, audience questions, debate
Lightning Talks | - | five-minute slots, first-time speakers, quick ideas
Fireside Chat | - | candid stories, one guest, career lessons, conversation
Demo Night | - | live demonstrations, unfinished products, feedback, applause
Pitch Night | - | founders, investors, three-minute pitches, jury scores
Networking Breakfast | - | introductions, coffee, round tables, new contacts
Webinar | - | remote attendees, screen sharing, recordings, live chat
Masterclass | - | expert teaching, deep dives, homework, certificates
Unconference | - | attendee-led sessions, open agenda, sticky notes
Summit | - | executives, strategy sessions, announcements, invitations
Book Club | - | shared reading, chapters, authors, slow discussion
Study Group | - | weekly papers, shared notes, peer teaching, problem sets
Office Hours | - | drop-in advice, whiteboards, individual questions
Founders Dinner | - | shared table, founder stories, quiet advice, hosts
Career Fair | - | recruiters, portfolios, internships, open positions
Bootcamp | - | intensive days, projects, instructors, beginners
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """A topic as a writer knows it: what it belongs to, and the words that go with it.

    A format has the area "-".
    """

    name: str
    category: str
    area: str
    phrases: tuple[str, ...]


def _read(category: str, lines: str) -> tuple[Subject, ...]:
    subjects = []
    for line in lines.strip().splitlines():
        name, area, phrases = line.split(" | ")
        subjects.append(Subject(name, category, area, tuple(phrases.split(", "))))
    return tuple(subjects)


TECHNOLOGIES: Final = _read("technology", _TECHNOLOGY)
INDUSTRIES: Final = _read("industry", _INDUSTRY)
FORMATS: Final = _read("format", _FORMAT)


def curated_subjects() -> list[Subject]:
    """Return the 120 curated topics, mixed so that every few hold each category."""
    technologies, industries, formats = map(iter, (TECHNOLOGIES, INDUSTRIES, FORMATS))
    mixed = []
    for form in formats:
        mixed += [next(technologies), next(industries), form]
        mixed += [next(technologies), next(industries), next(technologies)]
    return mixed


def most_subjects() -> int:
    """Return how many topics there are, counting the composed ones."""
    curated = len(TECHNOLOGIES) + len(INDUSTRIES) + len(FORMATS)
    return curated + len(TECHNOLOGIES) * len(INDUSTRIES)


def first_subjects(count: int) -> list[Subject]:
    """Return `count` topics: the curated ones, then "technology for industry".

    Raise ValueError for fewer than three, which cannot hold every category, and for
    more than can be composed.
    """
    if not 3 <= count <= most_subjects():
        raise ValueError(f"topics must be between 3 and {most_subjects()}")
    subjects = curated_subjects()
    for number in range(count - len(subjects)):
        lap, column = divmod(number, len(TECHNOLOGIES))
        technology = TECHNOLOGIES[column]
        # Moving one industry further in each lap pairs every two exactly once,
        # because len(TECHNOLOGIES) + 1 and len(INDUSTRIES) share no divisor.
        industry = INDUSTRIES[(number + lap) % len(INDUSTRIES)]
        subjects.append(
            Subject(
                f"{technology.name} for {industry.name}",
                "technology",
                industry.area,
                technology.phrases[:2] + industry.phrases[:3],
            )
        )
    return subjects[:count]
