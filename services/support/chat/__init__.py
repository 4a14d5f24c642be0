"""Live chat between those who ask and the people of a desk, over WebSocket.

- A chat waits in the queue of a desk, is taken by an agent, may go to another desk, and ends.
- Places in a queue are given in the order of arrival, whichever replica is asked.
- A message sent twice with the same key is one line; lines have ranks from 1 without gaps.
- A lost connection resumes from the last rank received, on any replica.
- Time ends a chat: closing hours, silence, or an absence while it waits.
- Connections are limited in number for each kind of caller; a socket that sends no first frame
  is closed after a timeout.
- A transcript may begin a ticket, and is deleted after a delay of the settings.
"""
